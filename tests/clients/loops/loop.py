"""Repeats GetCallerIdentity with one client until the file exists."""

import pathlib
import sys
import time

import boto3

sts = boto3.client("sts")
while not pathlib.Path(sys.argv[1]).exists():
    sts.get_caller_identity()
    time.sleep(0.2)
