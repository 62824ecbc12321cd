"""The country's clock. A local date begins at midnight here; what agencies send without a zone is meant here."""

from zoneinfo import ZoneInfo

ZONE = "Asia/Ho_Chi_Minh"
LOCAL = ZoneInfo(ZONE)
