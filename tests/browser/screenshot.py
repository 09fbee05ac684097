"""Take docs/page.png, the picture of the documentation page in the README."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.browser import chromium
from tests.support.databases import ROOT, database, migrate
from tests.support.pserve import pserve

PICTURE = ROOT / "docs" / "page.png"


def main() -> None:
    """Open the service as a new user does, and write the picture."""
    with TemporaryDirectory() as name, database(Path(name)) as url:
        migrate(url)
        with (
            pserve("development.ini", DATABASE_URL=url) as server,
            chromium(server, Path(name), window_size="1200,1000") as browser,
        ):
            browser.driver.get(browser.url)
            browser.find_all(".opblock")
            browser.driver.save_screenshot(str(PICTURE))


if __name__ == "__main__":
    main()
