"""`pipes`, which Python 3.13 dropped: `quote`."""

from shlex import quote as quote
