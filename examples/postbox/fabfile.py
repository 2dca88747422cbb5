"""All of roadie's tasks: `fab --list` shows them."""

from roadie import *
