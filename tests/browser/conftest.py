"""A headless Chromium with the network closed, and the service it looks at."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.databases import database, migrate
from tests.support.pserve import Server, pserve

# The service's name in the browser: on localhost Swagger UI spares its validator on the internet.
HOST = "todo.test"


@dataclass(frozen=True)
class Browser:
    """A running browser; whatever it waits for must come within ten seconds."""

    driver: Chrome
    url: str  # of the service

    def find_all(self, selector: str) -> list[WebElement]:
        """Wait until the page shows elements of the CSS selector, and return them."""

        def shown(driver: Any) -> list[WebElement]:
            found = driver.find_elements(By.CSS_SELECTOR, selector)
            return [element for element in found if element.is_displayed()]

        redrawn = [StaleElementReferenceException]
        wait = WebDriverWait(self.driver, 10, ignored_exceptions=redrawn)
        return wait.until(shown, f"The page does not show {selector}")

    def find(self, selector: str) -> WebElement:
        [element] = self.find_all(selector)
        return element

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def fill_in(self, selector: str, text: str) -> None:
        """Type the text in place of what the field holds, such as an example."""
        self.find(selector).send_keys(Keys.CONTROL + "a" + Keys.NULL + text)

    def complaints(self) -> list[str]:
        """Return what the console says: errors of scripts, of loading, and of the CSP."""
        return [entry["message"] for entry in self._log("browser")]

    def requested_urls(self) -> list[str]:
        """Return what the service's pages asked for, whether or not it was answered."""
        messages = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        requests = (
            message["params"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        )
        return [
            request["request"]["url"]
            for request in requests
            if request["documentURL"].startswith(f"{self.url}/")
            and not request["request"]["url"].startswith("data:")
        ]

    def _log(self, name: str) -> list[dict[str, Any]]:
        return self.driver.get_log(name)  # type: ignore[no-untyped-call]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The service on SQLite alone: a browser cannot see which database answers."""
    with database(tmp_path) as url:
        migrate(url)
        with pserve("development.ini", DATABASE_URL=url) as running:
            yield running


@pytest.fixture
def browser(server: Server, tmp_path: Path) -> Iterator[Browser]:
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (
        "headless=new",
        "no-sandbox",  # which root cannot have
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-quic",
        "disable-sync",
        "disable-background-networking",
        "disable-component-update",
        "no-first-run",
        "no-proxy-server",
        "window-size=1200,1600",
        f"user-data-dir={tmp_path / 'chromium'}",
        f"host-resolver-rules=MAP {HOST} {server.host}, MAP * ~NOTFOUND",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Without a path Selenium would look for a driver on the network.
    service = Service(executable_path=shutil.which("chromedriver"))
    driver = Chrome(options, service)
    try:
        yield Browser(driver, f"http://{HOST}:{server.port}")
    finally:
        driver.quit()
