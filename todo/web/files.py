"""The files of the page, read once when the service starts."""

import json
from hashlib import sha256
from pathlib import Path
from string import Template

from todo.http.files import File

PAGE = Path(__file__).parent / "page"

# Other files in the folder, such as those of editors, are not served.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}

# Rendered, and served at separate URLs.
SHELL = "index.html"
SERVICE_WORKER = "service-worker.js"

ENTRY = "js/main.js"
# js/main.js loads these after the first view.
LATE = ("js/late.js", "js/views/")
TEXTS = "js/texts/"
DEFAULT_TEXTS = f"{TEXTS}en.js"


def served_files(folder: Path) -> dict[str, bytes]:
    """Return the contents of the files that are served as they are, by relative URL, sorted."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path.read_bytes()
        for name, path in sorted(found.items())
        if path.suffix in MEDIA_TYPES and path.is_file() and name != SERVICE_WORKER
    }


def fingerprint(files: dict[str, bytes]) -> str:
    """Return 16 hexadecimal digits that differ if a name or a content does."""
    digests = {name: sha256(content).hexdigest() for name, content in files.items()}
    return sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:16]


def preloads(names: list[str], version: str) -> str:
    """Return the links that load all modules of the first view at once, instead of one by one.

    Only one language is needed; the English texts also stand in for those that others lack.
    """
    modules = (
        name
        for name in names
        if name.endswith(".js")
        and name != ENTRY
        and not name.startswith(LATE)
        and (name == DEFAULT_TEXTS or not name.startswith(TEXTS))
    )
    return "\n".join(f'<link rel="modulepreload" href="page/{version}/{name}">' for name in modules)


def render_shell(template: str, names: list[str], version: str) -> str:
    """Return the shell: $version stands for the version, $preloads for the links to modules."""
    return Template(template).substitute(version=version, preloads=preloads(names, version))


def render_service_worker(script: str, names: list[str], version: str) -> str:
    """Return the script with the version and the relative URLs of its files put in front."""
    urls = [f"page/{version}/{name}" for name in names]
    return f"self.VERSION = {json.dumps(version)};\nself.FILES = {json.dumps(urls)};\n\n{script}"


_contents = served_files(PAGE)
_names = list(_contents)
_shell = (PAGE / SHELL).read_text("utf-8")
_script = (PAGE / SERVICE_WORKER).read_text("utf-8")

# One fingerprint for all, so that relative imports between modules work unchanged, and a page never
# mixes versions.
VERSION = fingerprint(
    _contents | {SHELL: _shell.encode(), SERVICE_WORKER: _script.encode()},
)
# A table, so that no path is ever built from a URL.
FILES = {
    name: File.of(content, MEDIA_TYPES[Path(name).suffix], immutable=True)
    for name, content in _contents.items()
}
SHELL_FILE = File.of(render_shell(_shell, _names, VERSION).encode(), "text/html; charset=utf-8")
SERVICE_WORKER_FILE = File.of(
    render_service_worker(_script, _names, VERSION).encode(), MEDIA_TYPES[".js"]
)
