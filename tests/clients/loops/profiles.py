"""Uses the sessions of three profiles until the file exists.

    profiles.py identities|copy once|again FILE

`once` uses the same clients all the time. `again` opens new ones for each round, which read the shared files again.
"""

import os
import pathlib
import sys
import time

import boto3

PROFILES = ("default", "prod", "audit")


def client(service, profile):
    # The address of STS says whose request it is. For S3 the bucket says it.
    url = os.environ["AWS_ENDPOINT_URL"] + (f"/{profile}" if service == "sts" else "")
    session = boto3.Session(profile_name=None if profile == "default" else profile)
    return session.client(service, endpoint_url=url)


def identities(clients):
    for sts in clients.values():
        sts.get_caller_identity()


def copy(clients):
    """From the bucket of one account to those of the others."""
    for profile in ("default", "audit"):
        source = clients["prod"].get_object(Bucket="prod", Key="data")["Body"]
        clients[profile].upload_fileobj(source, profile, "data")


work, service = {"identities": (identities, "sts"), "copy": (copy, "s3")}[sys.argv[1]]
clients = {}
while not pathlib.Path(sys.argv[3]).exists():
    if sys.argv[2] == "again" or not clients:
        clients = {profile: client(service, profile) for profile in PROFILES}
    work(clients)
    time.sleep(0.2)
