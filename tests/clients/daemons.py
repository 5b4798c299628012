"""`--signal-pid-file` with a real daemon that reads its credentials file only when it starts: Prometheus, with the discovery of
EC2 instances. Like systemd, a shell starts it again whenever it ends, and writes its process ID to a file."""

import contextlib
import os
import pathlib
import shutil
import subprocess

from harness import ROOT, XASSUME, Failed, Skipped, check, clean_env, directory, end, expect, free_port, wait_until
from metadata import served
from sessions import ROLE, SOURCE, ShortSts

CACHE = pathlib.Path(os.environ.get("XASSUME_CHECKS_CACHE", ROOT / "target" / "clients"))
# How many sessions the daemon must use.
SESSIONS = 3
CONFIG = """scrape_configs:
- job_name: nodes
  ec2_sd_configs:
  - {{region: us-east-1, endpoint: "{url}", refresh_interval: 1s}}
"""
# As in the recipe for containers. The loop stands for what runs the container.
KEEP = "while :; do sh -c 'echo $$ >pid; exec \"$0\" \"$@\"' \"$@\"; done"


@check("daemons: Prometheus is ended by its pid file, and uses each session after its start")
def _():
    prometheus = shutil.which("prometheus", path=f"/usr/bin:{CACHE}/prometheus/usr/bin")
    if not prometheus:
        raise Skipped("no prometheus")
    with directory() as place, served(ShortSts(12)) as sts, contextlib.ExitStack() as cleanup:
        (place / "prometheus.yml").write_text(CONFIG.format(url=sts.url))
        file, log = place / "credentials", place / "log"
        output = cleanup.enter_context(log.open("wb"))

        def start(command, **env):
            process = subprocess.Popen(
                command, env=clean_env(place, **env), cwd=place, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )
            cleanup.callback(end, process)

        keys = {"AWS_ACCESS_KEY_ID": SOURCE, "AWS_SECRET_ACCESS_KEY": f"secret-of-{SOURCE}"}
        flags = ["--on-expiry", "signal", "--signal", "TERM", "--signal-pid-file", "pid", "--credentials-file", file]
        command = [XASSUME, "-v", "--no-cache", "-r", ROLE, *flags, "--", "sleep", "infinity"]
        start(command, AWS_ENDPOINT_URL=sts.url, AWS_REGION="us-east-1", **keys)
        wait_until(file.exists, 20, "the credentials file")
        address = f"127.0.0.1:{free_port()}"
        words = [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
        start(["sh", "-c", KEEP, "sh", *words], AWS_SHARED_CREDENTIALS_FILE=file)
        with contextlib.suppress(Failed):
            wait_until(lambda: len(set(sts.signers)) >= SESSIONS, 60, "the sessions")
        text = log.read_text(errors="replace")
        trouble = f"{sts.signers} {sts.refused}\n{text[-4000:]}"
        expect(len(set(sts.signers)) >= SESSIONS and not sts.refused and "cannot send" not in text, trouble)
