"""Headless Chromium without network access."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.pserve import Server

# Not localhost: there Swagger UI never calls its online validator, so the tests would miss it.
HOST = "todo.test"


@dataclass(frozen=True)
class Browser:
    """A running browser. Waits time out after ten seconds."""

    driver: Chrome
    url: str  # of the service

    def find_all(self, selector: str) -> list[WebElement]:
        """Wait until visible elements match the CSS selector; return them."""

        def shown(driver: Any) -> list[WebElement]:
            found = driver.find_elements(By.CSS_SELECTOR, selector)
            return [element for element in found if element.is_displayed()]

        ignored = [StaleElementReferenceException]
        wait = WebDriverWait(self.driver, 10, ignored_exceptions=ignored)
        return wait.until(shown, f"The page does not show {selector}")

    def find(self, selector: str) -> WebElement:
        [element] = self.find_all(selector)
        return element

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def fill_in(self, selector: str, text: str) -> None:
        """Replace the field's content, such as an example, with the text."""
        self.find(selector).send_keys(Keys.CONTROL + "a" + Keys.NULL + text)

    def console_messages(self) -> list[str]:
        """Return the console's messages: script, loading and CSP errors."""
        return [entry["message"] for entry in self._log("browser")]

    def requested_urls(self) -> list[str]:
        """Return the URLs that the service's pages requested, with or without a response."""
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


@contextmanager
def chromium(server: Server, folder: Path, window_size: str = "1200,1600") -> Iterator[Browser]:
    """Run a browser that can reach only the server; its profile is in the folder."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (
        "headless=new",
        "no-sandbox",  # root cannot use the sandbox
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-quic",
        "disable-sync",
        "disable-background-networking",
        "disable-component-update",
        "no-first-run",
        "no-proxy-server",
        f"window-size={window_size}",
        f"user-data-dir={folder / 'chromium'}",
        f"host-resolver-rules=MAP {HOST} {server.host}, MAP * ~NOTFOUND",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Without a path, Selenium would try to download a driver.
    service = Service(executable_path=shutil.which("chromedriver"))
    driver = Chrome(options, service)
    try:
        yield Browser(driver, f"http://{HOST}:{server.port}")
    finally:
        driver.quit()
