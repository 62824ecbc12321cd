"""What is said where there is no browser, or no Superset to open."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ConfigurationError, ServiceError
from core.settings import Settings
from reporting.browser import chromium, log_in

PASSWORD = "nobody-may-read-this"


def test_a_missing_chromium_is_named_with_what_installs_it(tmp_path: Path) -> None:
    path = tmp_path / "chromium"
    with pytest.raises(ConfigurationError) as caught, chromium(Settings(home=tmp_path, chromium=path)):
        pass
    assert (
        str(caught.value)
        == f"report: expected {path}, got none; apt install chromium fonts-noto-core, or set IOC_CHROMIUM"
    )


@pytest.mark.browser
def test_a_superset_that_does_not_run_is_named_with_its_address(tmp_path: Path, free_ports: Callable[[], int]) -> None:
    settings = Settings(home=tmp_path, superset_port=free_ports())
    with chromium(settings) as browser, pytest.raises(ServiceError) as caught:
        log_in(browser.new_page(), settings, "ioc-reporter", PASSWORD)
    address = f"http://127.0.0.1:{settings.superset_port}"
    assert f"superset: expected its log-in page at {address}, got" in str(caught.value)
    assert "ERR_CONNECTION_REFUSED" in str(caught.value)
    assert str(caught.value).endswith("; see `ioc status`")
