"""Start the policy pack: `pulumi preview --policy-pack components/policy`.

Constructing a PolicyPack starts a server and never returns, so that it happens nowhere else.
"""

import sys
from pathlib import Path

# Pulumi runs this folder by path, which leaves the repository's root off the module path and this folder on it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pulumi_policy import PolicyPack

from components.policy.pack import PACK_NAME, policies

if __name__ == "__main__":
    PolicyPack(name=PACK_NAME, policies=policies())
