"""Repeats a signed request with one client until the file exists: loop.py CLIENT [WORD...] FILE.

Each function of a client returns the function for one request.
"""

import asyncio
import base64
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

URL = os.environ["AWS_ENDPOINT_URL"]
HOST = URL.removeprefix("http://")
REGION = os.environ["AWS_REGION"]


def sent(path, headers=()):
    """Sends a request that a client has signed for another host, or without sending it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(URL + path, headers=dict(headers)), timeout=10).read()


def boto3():
    import boto3

    return boto3.client("sts").get_caller_identity


def aiobotocore():
    import aiobotocore.session

    loop = asyncio.new_event_loop()
    client = aiobotocore.session.get_session().create_client("sts")
    client = loop.run_until_complete(client.__aenter__())
    return lambda: loop.run_until_complete(client.get_caller_identity())


def s3fs():
    import s3fs

    files = s3fs.S3FileSystem(endpoint_url=URL)
    return lambda: files.ls("bucket", refresh=True)


def pyarrow():
    import pyarrow.fs

    files = pyarrow.fs.S3FileSystem(endpoint_override=HOST, scheme="http")
    return lambda: files.get_file_info("bucket/key")


def polars(**more):
    import polars as library

    return lambda: library.scan_csv("s3://bucket/key", **more).collect()


# With an option like the second one, polars does not use boto3, unless its provider is passed.
POLARS = {"aws_endpoint_url": URL, "aws_allow_http": "true"}


def polars_with_options():
    return polars(storage_options=POLARS)


def polars_with_provider():
    from polars import CredentialProviderAWS

    return polars(storage_options=POLARS, credential_provider=CredentialProviderAWS())


def obstore():
    from obstore.store import S3Store

    store = S3Store("bucket", endpoint=URL, client_options={"allow_http": True})
    return lambda: store.get("key").bytes()


def awscrt():
    from awscrt import auth, http

    provider = auth.AwsCredentialsProvider.new_default_chain()

    def request():
        request = http.HttpRequest("GET", "/bucket?list-type=2", http.HttpHeaders([("Host", HOST)]))
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=provider,
            region=REGION,
            service="s3",
        )
        auth.aws_sign_request(request, config).result(10)
        sent(request.path, request.headers)

    return request


def minio():
    from minio import Minio
    from minio.credentials import AWSConfigProvider, ChainedProvider, EnvAWSProvider, IamAwsProvider

    chain = ChainedProvider([EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider()])
    return Minio(HOST, credentials=chain, region=REGION, secure=False).list_buckets


def kafka():
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

    return lambda: token(MSKAuthTokenProvider.generate_auth_token(REGION)[0])


def kubectl():
    """Runs the command for each token, as kubectl does."""
    return lambda: token(json.loads(output())["status"]["token"].removeprefix("k8s-aws-v1."))


def docker():
    """Runs the command for each pull, as docker does."""
    registry = "521111111144.dkr.ecr.us-east-1.amazonaws.com"
    return lambda: json.loads(output(registry))["Secret"]


def output(text=""):
    return subprocess.run(WORDS, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout


def token(text):
    """Sends a token, which is a signed URL in base64."""
    url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    sent("/?" + url.split("?", 1)[1])


if __name__ == "__main__":
    _, name, *WORDS, enough = sys.argv
    request = globals()[name]()
    while not pathlib.Path(enough).exists():
        request()
        time.sleep(0.3)
