"""Runs all checks, or those whose name contains one of the arguments."""

import sys

import cloud
import harness

# Each of these registers its checks, in this order.
import launch  # noqa: F401
import places  # noqa: F401
import profiles  # noqa: F401
import sign_in  # noqa: F401
import process  # noqa: F401
import expiry  # noqa: F401
import matrix  # noqa: F401
import several  # noqa: F401
import sockets  # noqa: F401
import keeper  # noqa: F401
import daemons  # noqa: F401
import printing  # noqa: F401
import examples  # noqa: F401
import recipes  # noqa: F401
import readme  # noqa: F401
import web_identity  # noqa: F401
import completions  # noqa: F401
import prompts  # noqa: F401
import static  # noqa: F401
import arm64  # noqa: F401
import dist  # noqa: F401
import image  # noqa: F401
import wheel  # noqa: F401
import installer  # noqa: F401
import ci_systems  # noqa: F401
import packages  # noqa: F401

sys.exit(harness.run_checks(sys.argv[1:], cloud.stop))
