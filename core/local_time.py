"""The country's time zone. Local dates begin at its midnight, and times that agencies send without a zone are read in it."""

from zoneinfo import ZoneInfo

ZONE = "Asia/Ho_Chi_Minh"
LOCAL = ZoneInfo(ZONE)
