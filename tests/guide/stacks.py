"""The three stacks of the guide's day, with a small image in place of their own."""

from __future__ import annotations

_DEPLOY = """
    stop_grace_period: 1s
    deploy:
      replicas: {replicas}
      update_config: {{monitor: 1s, failure_action: pause}}
      restart_policy: {{delay: 1s}}
"""


def _service(name: str, image: str, replicas: int = 1, more: str = "") -> str:
    head = f"\n  {name}:\n    image: {image}\n    command: serve"
    return f"{head}{_DEPLOY.format(replicas=replicas)}{more}"


def _file(*services: str, end: str = "") -> str:
    return f'version: "3.8"\nservices:{"".join(services)}{end}'


_OROCHI = ("django", "es01", "kib01", "mailhog", "postgres", "redis", "scheduler", "worker01")


def orochi(registry: str) -> str:
    """The platform."""
    return _file(*(_service(name, f"{registry}/app:1") for name in _OROCHI))


SETTINGS = "colour: red\nitems_per_page: 20\n"
NEW_SETTINGS = "colour: blue\nitems_per_page: 20\nbanner: Sale!\n"


def shop(registry: str) -> str:
    """A shop whose web server waits for its migration."""
    web = "    configs: [settings]\n    secrets: [db_password]\n    depends_on: [migrate]\n"
    migrate = f"""
  migrate:
    image: {registry}/app:1
    command: ["sh", "-c", "echo 3 migrations applied"]
    deploy: {{mode: replicated-job, restart_policy: {{condition: none}}}}
"""
    files = """
configs: {settings: {file: shop.settings}}
secrets: {db_password: {file: shop-db-password.txt}}
volumes: {orders: {}}
"""
    return _file(
        _service("web", f"{registry}/app:1", 2, web),
        _service("worker", f"{registry}/app:1", 1, "    configs: [settings]\n"),
        _service("db", f"{registry}/app:1", 1, "    volumes: ['orders:/orders']\n"),
        migrate,
        end=files,
    )


def monitoring(registry: str) -> str:
    """A collector, and an agent on every node."""
    agent = f"""
  agent:
    image: {registry}/app:1
    command: serve
    stop_grace_period: 1s
    deploy: {{mode: global, update_config: {{monitor: 1s}}}}
"""
    return _file(_service("collector", f"{registry}/app:1"), agent)
