"""The testbed's tasks, done by a Celery worker.

The testbed leaves tasks in Celery's own envelope; this module registers them under the names that it
writes, retries them as it does, and keeps their results where it looks for them.

    python3 -m venv venv && venv/bin/pip install 'celery[redis]>=5.4,<6'
    export CELERY_BROKER_URL=redis://127.0.0.1:6379/2 CELERY_RESULT_BACKEND=redis://127.0.0.1:6379/3
    hitmark testbed --tasks celery+redis://127.0.0.1:6379/2 &
    cd deploy/celery && ../../venv/bin/celery -A hitmark_tasks worker -E -Q email,reports,maintenance,monitoring

HITMARK_TESTBED_URL   where the testbed answers; http://127.0.0.1:8080 if not given
HITMARK_MAIL_FOLDER   where mails are put as files; ./mail if not given. Nothing leaves the machine.

What comes round (health, upkeep) is left by the testbed's own schedule, so no beat is needed.
Doing a task twice does no harm: a worker that is killed leaves its tasks to another.
"""

import json
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from celery import Celery, Task, signals

BROKER = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/2")
RESULTS = os.environ.get("CELERY_RESULT_BACKEND", BROKER)
TESTBED = os.environ.get("HITMARK_TESTBED_URL", "http://127.0.0.1:8080").rstrip("/")
MAIL = Path(os.environ.get("HITMARK_MAIL_FOLDER", "mail"))

TRIES = 4
TRY_SECONDS = 30
MAILS_MAX = 10_000
MAIL_SECONDS = 86_400
PRINTED_BYTES_MAX = 64 * 1024 * 1024

app = Celery("hitmark_tasks", broker=BROKER, backend=RESULTS)
app.conf.update(
    # A task is acknowledged when it is done, and a process holds one at a time: what the broker has as
    # unacknowledged is what runs.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_soft_time_limit=TRY_SECONDS,
    task_time_limit=2 * TRY_SECONDS,
    task_track_started=True,
    result_expires=3_600,
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
)


class Retried(Task):
    """Tried four times with growing pauses; then dead, and its result says why."""

    autoretry_for = (Exception,)
    max_retries = TRIES - 1
    retry_backoff = 1
    retry_backoff_max = 60


@app.task(name="testbed.send_email", queue="email", base=Retried, bind=True)
def send_email(self, to, subject):
    """Writes a mail in the form of RFC 5322; its file is named after the task, so that twice is once."""
    name = re.sub(r"[^0-9A-Za-z-]", "_", self.request.id)
    lines = [
        "From: testbed@example.com",
        f"To: {one_line(to)}",
        f"Subject: {one_line(subject)}",
        f"Message-ID: <{name}@example.com>",
        "",
        "",
    ]
    MAIL.mkdir(parents=True, exist_ok=True)
    half = MAIL / f"{name}.half"
    half.write_bytes("\r\n".join(lines).encode())
    half.replace(MAIL / f"{name}.eml")
    return {"sent": True}


@app.task(name="testbed.print_report", queue="reports", base=Retried)
def print_report(incident):
    """Has the testbed print an incident's report, which its cache then holds."""
    body = found(f"/incident/incidents/{int(incident)}/report.pdf")
    return {"incident": incident, "report_bytes": body and len(body)}


@app.task(name="testbed.print_document", queue="reports", base=Retried)
def print_document(report):
    """Has the testbed print the document of a score report, which its cache then holds."""
    body = found(f"/score/reports/{int(report)}/document", method="POST")
    return {"report": report, "document_bytes": body and json.loads(body)["document_bytes"]}


@app.task(name="testbed.clean_up", queue="maintenance", base=Retried)
def clean_up():
    """Removes mails that are too old or too many."""
    now, removed = time.time(), 0
    written = sorted((mail.stat().st_mtime, mail) for mail in MAIL.iterdir()) if MAIL.is_dir() else []
    for place, (when, mail) in enumerate(written):
        if place < len(written) - MAILS_MAX or now - when > MAIL_SECONDS:
            mail.unlink(missing_ok=True)
            removed += 1
    return {"mails_removed": removed}


@app.task(name="testbed.collect_health", queue="monitoring", base=Retried)
def collect_health():
    """Looks whether the database behind the testbed answers; a testbed that is down fails the task."""
    state = json.loads(asked("/healthz"))["database"]["state"]
    if state != "up":
        raise RuntimeError("the database does not answer")
    return {"database": "answers"}


def one_line(text):
    """Without line breaks, so that no subject can add a header."""
    return str(text).replace("\r", " ").replace("\n", " ")


def asked(path, method="GET"):
    request = urllib.request.Request(TESTBED + path, method=method)
    with urllib.request.urlopen(request, timeout=TRY_SECONDS) as answer:
        body = answer.read(PRINTED_BYTES_MAX + 1)
    if len(body) > PRINTED_BYTES_MAX:
        raise ValueError(f"{path} is longer than {PRINTED_BYTES_MAX} bytes")
    return body


def found(path, method="GET"):
    """What the testbed answers; none if there is no such thing, which no retry would change."""
    try:
        return asked(path, method)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


# Celery keeps no counts of what it did. These stand beside the results, one hash for each queue, and
# the testbed shows them at /api/tasks/status.


def count(task, field, by=1):
    queue = getattr(task, "queue", None)
    if queue:
        task.app.backend.client.hincrby(f"hitmark-tasks:counts:{queue}", field, by)


@signals.worker_ready.connect
def begin(**_):
    """Zeros, so that a queue of which nothing was done yet is told from one that nobody counts."""
    for task in app.tasks.values():
        for field in ("done", "retried", "dead"):
            count(task, field, 0)


@signals.task_success.connect
def done(sender, **_):
    count(sender, "done")


@signals.task_retry.connect
def retried(sender, **_):
    count(sender, "retried")


@signals.task_failure.connect
def dead(sender, **_):
    count(sender, "dead")
