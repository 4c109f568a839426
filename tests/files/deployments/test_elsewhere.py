"""What deployments are started with although no file has that name."""

from __future__ import annotations

import pytest

from celery_lint.files.deployments.elsewhere import elsewhere

PIPELINE = ".github/workflows/deploy.yml"
THERE = {
    "docker-compose.yml": b"",
    "k8s/base/worker.yaml": b"",
    "deploy/site.yml": b"",
    "chart/Chart.yaml": b"",
}


def named(path: str, text: str, more: dict[str, bytes] | None = None) -> list[str]:
    return [each.name for each in elsewhere({**THERE, **(more or {}), path: text.encode()})]


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        (PIPELINE, "docker compose -f compose.prod.yml up -d web", "compose.prod.yml"),
        (PIPELINE, "run: docker-compose --file=infra/compose.prod.yml restart", "infra/compose.prod.yml"),
        (PIPELINE, "docker compose -p shop --file compose.prod.yml pull", "compose.prod.yml"),
        (PIPELINE, "docker compose -f docker-compose.yml -f compose.prod.yml up", "compose.prod.yml"),
        (PIPELINE, "ssh web 'cd /srv && docker compose -fcompose.prod.yml up -d'", "compose.prod.yml"),
        (PIPELINE, "env:\n  COMPOSE_FILE: compose.prod.yml\n", "compose.prod.yml"),
        (".env.example", "COMPOSE_FILE=docker-compose.yml:compose.prod.yml\n", "compose.prod.yml"),
        ("deploy.sh", 'COMPOSE="docker compose -f compose.prod.yml"\n$COMPOSE up\n', "compose.prod.yml"),
        ("deploy.sh", "docker compose -f compose.$STAGE.yml up\n", "compose.$STAGE.yml"),
        ("deploy.sh", "docker stack deploy -c stack.yml shop\n", "stack.yml"),
        ("package.json", '{"scripts": {"up": "docker compose -f compose.prod.yml up"}}', "compose.prod.yml"),
        ("shop.service", "ExecStart=/usr/bin/docker compose -f compose.prod.yml up\n", "compose.prod.yml"),
        ("fabfile.py", "c.run('docker compose -f compose.prod.yml up -d')\n", "compose.prod.yml"),
        (PIPELINE, "ansible-playbook -i hosts workers.yml", "workers.yml"),
        (PIPELINE, "kubectl apply -n shop -f k8s/production/", "k8s/production/"),
        (PIPELINE, "kubectl apply -k deploy/overlays/prod", "deploy/overlays/prod"),
        (PIPELINE, "kubectl apply -f k8s/celery-ml.yaml", "k8s/celery-ml.yaml"),
        (PIPELINE, "helm upgrade --install shop ./charts/shop", "./charts/shop"),
        (PIPELINE, "sudo systemctl restart nginx celery-mails.service", "celery-mails.service"),
        ("deploy.sh", "supervisorctl restart shop_worker:*\n", "shop_worker:*"),
        ("deploy.sh", "service celeryd restart\n", "celeryd"),
    ],
)
def test_what_is_not_there(path: str, text: str, name: str) -> None:
    assert named(path, text) == [name]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (PIPELINE, "docker compose -f infra/docker-compose.yml up"),
        (PIPELINE, "docker compose -f docker-compose$STAGE.yml -f docker-$NAME.yml up"),
        (PIPELINE, "# docker compose -f compose.prod.yml up"),
        (PIPELINE, 'echo "docker compose -f compose.prod.yml up"'),
        (PIPELINE, "docker compose -f $FILE up"),
        (PIPELINE, "docker compose logs -f celery.yml"),
        (PIPELINE, "docker compose -f compose.prod.yml config"),
        (PIPELINE, "docker compose -f compose.test.yml up"),
        (PIPELINE, "docker compose -f compose.dev.yml up"),
        ("README.md", "docker compose -f compose.prod.yml up"),
        ("docs/deploy.sh", "docker compose -f compose.prod.yml up"),
        ("tests/test_up.py", "run('docker compose -f compose.prod.yml up')"),
        ("shop/tasks.py", "# docker compose -f compose.prod.yml up\n"),
        (PIPELINE, "ansible-playbook deploy/site.yml -e @values.json"),
        (PIPELINE, "kubectl apply -f k8s/base/ -f k8s/secrets.yaml -f https://cert-manager.io/cert-manager.yaml"),
        (PIPELINE, "kubectl get pods -f k8s/production/"),
        (PIPELINE, "kubectl apply -f k8s/monitoring/"),
        (PIPELINE, "cat worker.yaml | kubectl apply -f -"),
        (PIPELINE, "helm upgrade --install redis bitnami/redis && helm upgrade shop ./chart"),
        (PIPELINE, "systemctl restart nginx && systemctl status celery"),
        ("deploy.sh", "systemctl restart celery || true\nsystemctl restart $WORKER\n"),
    ],
)  # fmt: skip
def test_what_is_there_or_starts_nothing(path: str, text: str) -> None:
    assert named(path, text) == []


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("systemctl restart celery@mails", {"deploy/celery@.service": b""}),
        ("systemctl restart celery", {"install.sh": b"cat > /etc/systemd/system/celery.service <<EOF\n"}),
        ("supervisorctl restart shop_worker", {"shop.conf": b"[program:shop_worker]\n"}),
    ],
)
def test_units_that_a_file_describes(text: str, more: dict[str, bytes]) -> None:
    assert named("deploy.sh", text, more) == []
    assert named("deploy.sh", text)


def test_what_is_for_a_cluster_is_put_on_top_of_nothing() -> None:
    found = elsewhere({PIPELINE: b"kubectl apply -f k8s/\ndocker compose -f compose.prod.yml up\n"})
    assert [(each.name, each.cluster) for each in found] == [("k8s/", True), ("compose.prod.yml", False)]


PUSHED = """
      - uses: docker/build-push-action@v5
        with:
          push: true
"""


@pytest.mark.parametrize(
    ("pipeline", "names"),
    [
        (f"{PUSHED}          file: deploy/Dockerfile.worker\n", ["deploy/Dockerfile.worker"]),
        (f"{PUSHED}          context: ./services/worker\n", ["./services/worker"]),
        (f"{PUSHED}          file: ./celery/Dockerfile\n", ["./celery/Dockerfile"]),
        (
            f"{PUSHED}          tags: |\n            ghcr.io/o/shop-worker:latest\n",
            ["ghcr.io/o/shop-worker:latest"],
        ),
        ("docker build -t o/celery:1 .\ndocker push o/celery:1\n", ["o/celery:1", "o/celery:1"]),
        (f"{PUSHED}          file: Dockerfile\n          tags: o/shop:latest\n", []),
        ("docker build -f Dockerfile.worker .\n", []),
        (f"{PUSHED}          file: Dockerfile.worker\n      - run: ssh web docker compose up -d\n", []),
        (f"{PUSHED}      - run: pytest tests/worker\n", []),
        (f"{PUSHED}          context: ./coworkers\n", []),
    ],
)
def test_images_of_workers_that_are_pushed(pipeline: str, names: list[str]) -> None:
    assert named(PIPELINE, pipeline) == names


def test_images_that_a_file_here_starts() -> None:
    pipeline = f"{PUSHED}          file: Dockerfile.worker\n"
    assert named(PIPELINE, pipeline, {"k8s/base/worker.yaml": b"image: ghcr.io/o/shop-worker:1"}) == []
    assert named(PIPELINE, pipeline, {"task.json": b'"image": "ghcr.io/o/shop-worker:1"'}) == []
    assert named(PIPELINE, pipeline, {"k8s/base/web.yaml": b"image: ghcr.io/o/shop:1"}) == [
        "Dockerfile.worker"
    ]
