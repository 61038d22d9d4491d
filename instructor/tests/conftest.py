"""What the tests of the wing share: they read notebooks, and need no more of nbformat than that."""

import sys

# The grammar of addresses in all scripts, which jsonschema does without, takes two seconds to load.
sys.modules.setdefault("rfc3987_syntax", None)
