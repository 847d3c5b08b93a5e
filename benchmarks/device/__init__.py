"""Other machines to measure on, reached through the system's ssh."""

from bokehflow.benchmarks.device.address import SshAddress, parse_address
from bokehflow.benchmarks.device.ssh import SshHost

__all__ = ["SshAddress", "SshHost", "parse_address"]
