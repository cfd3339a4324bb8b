"""What people type, and what it is read as."""

import pytest

from bot.domain.commands.parser import parse
from bot.domain.commands.table import (
    COMMANDS,
    Activate,
    Cancel,
    Defaults,
    Deploy,
    Drain,
    Help,
    Join,
    ListIncidents,
    ListJobs,
    ListNodes,
    ListStacks,
    ListTasks,
    ListVersions,
    ListVolumes,
    ReadLogs,
    Reply,
    Restart,
    RollBack,
    Scale,
    ScaleTarget,
    ShowMap,
    Status,
    spec,
    spec_of,
)

DEFAULTS = Defaults(command="/orochi", service="worker01", max_replicas=100)


def refusal(typed, defaults=DEFAULTS):
    """What is answered to something that is no command."""
    reply = parse(typed, defaults)
    assert isinstance(reply, Reply)
    return reply.text


def scale(**targets):
    return Scale(tuple(ScaleTarget(name, count) for name, count in targets.items()))


READ = {
    "": Help(),
    "   ": Help(),
    "help": Help(),
    "?": Help(),
    "HELP scale": Help("scale"),
    "scale help": Help("scale"),
    "scale --help": Help("scale"),
    "status -h": Help("status"),
    "deploy": Deploy(),
    "deploy shop": Deploy("shop"),
    "DEPLOY Shop": Deploy("Shop"),
    "deploy --yes": Deploy(yes=True),
    "deploy shop --yes": Deploy("shop", yes=True),
    "deploy -y shop": Deploy("shop", yes=True),
    "deploy \u2014yes": Deploy(yes=True),
    "deploy `shop`": Deploy("shop"),
    "deploy help": Help("deploy"),
    "incidents": ListIncidents(),
    "incidents django": ListIncidents("django"),
    "Incidents orochi_django": ListIncidents("orochi_django"),
    "scale 5": scale(worker01=5),
    "scale 0": scale(worker01=0),
    "scale 05": scale(worker01=5),
    "SCALE 5": scale(worker01=5),
    "/orochi scale 5": scale(worker01=5),
    "scale django 2": scale(django=2),
    "scale 2 django": scale(django=2),
    "scale orochi_django 2": scale(orochi_django=2),
    "scale Django 2": scale(Django=2),
    "scale worker01=3 django=2": scale(worker01=3, django=2),
    "scale worker01 3 django 2": scale(worker01=3, django=2),
    "scale worker01=3, django=2": scale(worker01=3, django=2),
    "scale worker01=3 django 2": scale(worker01=3, django=2),
    "scale worker01 = 3": scale(worker01=3),
    "scale worker01= 3  django =2": scale(worker01=3, django=2),
    "scale worker01: 3": scale(worker01=3),
    "scale worker01=3 worker01=3": scale(worker01=3),
    "scale 5=3": Scale((ScaleTarget("5", 3),)),
    "scale `worker01` 3": scale(worker01=3),
    "scale `worker01=3`": scale(worker01=3),
    "scale “worker01” 3": scale(worker01=3),
    "scale 'worker01 3'": scale(worker01=3),
    "scale\u00a0worker01\u2003 3": scale(worker01=3),
    "scale\nworker01\t3": scale(worker01=3),
    "scale \u200bworker\u200b01\ufeff 3": scale(worker01=3),
    "scale worker01 \uff13": scale(worker01=3),
    "scale my\u2010app 3": Scale((ScaleTarget("my-app", 3),)),
    "scale my\u2013app 3": Scale((ScaleTarget("my-app", 3),)),
    "scale <http://worker01|worker01> 3": scale(worker01=3),
    "restart worker01": Restart("worker01"),
    "Restart orochi_django": Restart("orochi_django"),
    "restart `worker01`": Restart("worker01"),
    "restart help": Help("restart"),
    "rollback": RollBack(),
    "rollback --yes": RollBack(yes=True),
    "rollback worker01": RollBack("worker01"),
    "ROLLBACK orochi_django": RollBack("orochi_django"),
    "status": Status(),
    "status django": Status("django"),
    "Status orochi_django": Status("orochi_django"),
    "ps": ListTasks(),
    "PS django": ListTasks("django"),
    "logs django": ReadLogs("django"),
    "logs django --since 10m": ReadLogs("django", since=600),
    "logs django --since 1h30m --lines 20": ReadLogs("django", since=5400, lines=20),
    "logs —since=2D django —lines=5000": ReadLogs("django", since=172800, lines=5000),
    "logs django -n 5": ReadLogs("django", lines=5),
    "logs django --tail 5": ReadLogs("django", lines=5),
    "nodes": ListNodes(),
    "history": ListVersions(),
    "history shop": ListVersions("shop"),
    "stacks": ListStacks(),
    "volumes": ListVolumes(),
    "map": ShowMap(),
    "drain photon-machine-02": Drain("photon-machine-02"),
    "drain node.example.org": Drain("node.example.org"),
    "drain --yes n1": Drain("n1", yes=True),
    "drain n1 -y": Drain("n1", yes=True),
    "activate photon-machine-02": Activate("photon-machine-02"),
    "join worker": Join("worker"),
    "Join Manager": Join("manager"),
    "join rotate worker": Join("worker", rotate=True),
    "jobs": ListJobs(),
    "cancel k3f9ab": Cancel("k3f9ab"),
    "cancel `K3F9AB`": Cancel("k3f9ab"),
    "cancel #k3f9ab": Cancel("k3f9ab"),
}

ANSWERED = {
    "scale": ("How many replicas?", "`/orochi scale worker01 5`"),
    "scale worker01": ("How many replicas shall `worker01` have?", "`/orochi scale worker01 5`"),
    "scale worker01=": ("How many replicas shall `worker01` have?", "`/orochi scale"),
    "scale =3": ("Which service shall have `3` replicas?", "`/orochi scale"),
    "scale =": ("An `=` too many.", "`/orochi scale"),
    "scale to 5": ("`to` is one word too many", "`/orochi scale worker01=5`"),
    "scale django to 5": ("`to` is one word too many", "`/orochi scale django=5`"),
    "scale 5 replicas": ("`replicas` is one word too many", "`/orochi scale worker01=5`"),
    "scale worker01 up by 2": ("`up` is one word too many", "in the end: `/orochi scale 5`"),
    "scale up": ("`up` is one word too many", "in the end: `/orochi scale 5`"),
    "scale +5": ("`+5` is no number of replicas", "in the end: `/orochi scale 5`"),
    "scale -2": ("`-2` is no number of replicas", "in the end: `/orochi scale 5`"),
    "scale \u22122": ("`-2` is no number of replicas", "in the end: `/orochi scale 5`"),
    "scale 3.5": ("`3.5` is no number of replicas", "a whole number"),
    "scale 1e3": ("`1e3` is no number of replicas", "a whole number"),
    "scale 10^30": ("`10^30` is no number of replicas", "a whole number"),
    "scale 5²": ("`5²` is no number of replicas", "in the digits 0 to 9"),
    "scale \u0665": ("`\u0665` is no number of replicas", "in the digits 0 to 9"),
    "scale five": ("Write `five` in digits: `5`", "`/orochi scale 5`"),
    "scale django many": ("`many` is no number of replicas", "`/orochi scale 5`"),
    "scale 101": ("`101` replicas are more than the bot may set: at most 100", "`/orochi scale 5`"),
    "scale 1" + "0" * 30: ("are more than the bot may set: at most 100", "`/orochi scale 5`"),
    "scale " + "9" * 5000: ("are more than the bot may set", "`/orochi scale 5`"),
    "scale 1,000": ("Two numbers and no service: `1 000`", "`/orochi scale 5`"),
    "scale 5 3": ("Two numbers and no service: `5 3`", "`/orochi scale 5`"),
    "scale 5 django=3": ("Which service shall have `5` replicas?", "`/orochi scale"),
    "scale django 3 worker01": ("How many replicas shall `worker01` have?", "`/orochi scale"),
    "scale worker01=3 worker01=4": ("`worker01` stands there twice: with 3 and with 4", "once"),
    "scale 5 —yes": ("`scale` has no option `--yes`", "`/orochi scale 5`"),
    'scale "" 5': ('`""` cannot be the name of a service', "`/orochi status`"),
    "scale * 5": ("`*` cannot be the name of a service", "`/orochi status`"),
    "scale <@U123|bob> 3": ("`@bob` cannot be the name of a service", "`/orochi status`"),
    "scale <@U123> 3": ("`@U123` cannot be the name of a service", "`/orochi status`"),
    "scale <!channel> 3": ("`@channel` cannot be the name of a service", "`/orochi status`"),
    "scale <#C123|general> 3": ("`#general` cannot be the name of a service", "`/orochi status`"),
    "scale <http://a.example|a.example> 3": ("`a.example` cannot be the name", "`/orochi status`"),
    "scale a&lt;b 3": ("`a&lt;b` cannot be the name of a service", "`/orochi status`"),
    "scale " + "x" * 64 + " 3": ("cannot be the name of a service", "63 at most"),
    "status django worker01": ("one service at a time", "`/orochi status worker01`"),
    "jobs all": ("`jobs` takes nothing more", "`/orochi jobs`"),
    "cancel": ("Which job?", "`/orochi jobs`"),
    "cancel k3f9ab k3f9ac": ("one job at a time", "`/orochi jobs`"),
    "cancel everything": ("`everything` is not the id of a job", "`/orochi jobs`"),
    "cancel 5": ("`5` is not the id of a job", "`/orochi jobs`"),
    "help frobnicate": ("There is no command `frobnicate`", "`rollback`, `deploy`, `status`"),
    "statsu": ("There is no command `statsu`", "Did you mean `/orochi status`?"),
    "scal 5": ("There is no command `scal`", "Did you mean `/orochi scale worker01=5`?"),
    "cancle k3f9ab": ("There is no command `cancle`", "Did you mean `/orochi cancel k3f9ab`?"),
    "tasks": ("There is no command `tasks`", "Did you mean `/orochi ps`?"),
    "ps a b": ("`ps` lists the tasks of the stack, or of one service.", "`/orochi ps worker01`"),
    "logs": ("Whose logs?", "`/orochi logs worker01 --since 10m --lines 50`"),
    "logs django web": ("One service at a time.", "`/orochi logs worker01"),
    "logs django --follow": ("`logs` has no option `--follow`", "`/orochi logs worker01"),
    "logs django -f": ("`logs` has no option `-f`", "`/orochi logs worker01"),
    "logs django --since": ("is no span of time", "`/orochi logs worker01"),
    "logs django --since 10": ("`10` is no span of time", "like `90s`, `10m`"),
    "logs django --since 31d": ("`31d` is no span of time", "at most 30 days"),
    "logs django --since 0s": ("`0s` is no span of time", "`/orochi logs"),
    "logs django --lines 0": ("`0` is no number of lines: 1 to 5000", "`/orochi logs"),
    "logs django --lines many": ("`many` is no number of lines", "`/orochi logs"),
    "logs django --lines 5 --tail 6": ("`--tail` stands there twice", "`/orochi logs"),
    "logs *": ("`*` cannot be the name of a service", "`/orochi status`"),
    "history a b": ("`history` tells of one stack at a time.", "`/orochi history orochi`"),
    "history ../x": ("`../x` cannot be the name of a stack.", "`/orochi history orochi`"),
    "stacks all": ("`stacks` takes nothing more", "`/orochi stacks`"),
    "nodes all": ("`nodes` takes nothing more", "`/orochi nodes`"),
    "volumes x": ("`volumes` takes nothing more", "`/orochi volumes`"),
    "drain": ("Which node shall be drained?", "`/orochi nodes`"),
    "drain n1 --force": ("`drain` has no option `--force`", "`/orochi drain NODE --yes`"),
    "drain a b": ("`drain` takes one node at a time", "`/orochi nodes`"),
    "drain ../x": ("`../x` cannot be the name or the id of a node", "`/orochi nodes`"),
    "activate": ("Which node shall be activated?", "`/orochi nodes`"),
    "join": ("As what shall a node join?", "`/orochi join worker` or `/orochi join manager`"),
    "join leader": ("No node joins as `leader`", "`/orochi join worker`"),
    "join rotate": ("The token of which role", "`/orochi join rotate worker`"),
    "join rotate all": ("The token of which role", "`/orochi join rotate manager`"),
    "undrain n1": ("There is no command `undrain`", "Did you mean `/orochi activate n1`?"),
    "5": ("There is no command `5`", "Did you mean `/orochi scale worker01=5`?"),
    "django 2": ("There is no command `django`", "Did you mean `/orochi scale django=2`?"),
    "django = 2": ("There is no command `django`", "Did you mean `/orochi scale django=2`?"),
    "deploy shop shelf": ("`deploy` takes one stack at a time", "`/orochi deploy`"),
    "deploy --prune": ("no option `--prune`", "`/orochi deploy orochi --yes`"),
    "deploy shop.yml": ("`shop.yml` is a file", "`/orochi deploy shop`"),
    "deploy ../shop": ("`../shop` cannot be the name of a stack", "named like its file"),
    "frobnicate": ("There is no command `frobnicate`", "There are: `scale`, `restart`, `rollback`"),
    "restart": ("Which service shall be restarted?", "`/orochi restart worker01`"),
    "restart worker01 django": ("one service at a time", "`/orochi restart worker01`"),
    "restart worker01=3": ("`worker01=3` cannot be the name of a service", "`/orochi status`"),
    "rollback web --yes": ("asks nothing where a service is named", "`/orochi rollback web`"),
    "rollback worker01 v1": ("one service at a time", "`/orochi rollback worker01`"),
    "restrat django": ("There is no command `restrat`", "`/orochi restart django`"),
    "reboot django": ("There is no command `reboot`", "`/orochi restart django`"),
    "undo django": ("There is no command `undo`", "`/orochi rollback django`"),
    "roll-back django": ("There is no command `roll-back`", "`/orochi rollback django`"),
    "incidents a b": ("`incidents` lists those of all services, or of one.", "incidents worker01"),
    "alerts": ("There is no command `alerts`", "Did you mean `/orochi incidents`?"),
    "=": ("There is no command `=`", "There are: `scale`, `restart`, `rollback`"),
    "`rm -rf`": ("There is no command `rm`", "There are: `scale`, `restart`, `rollback`"),
}


@pytest.mark.parametrize(("typed", "command"), READ.items())
def test_is_read_as_the_command_that_was_meant(typed, command):
    assert parse(typed, DEFAULTS) == command


@pytest.mark.parametrize(("typed", "said"), ANSWERED.items(), ids=lambda value: str(value)[:30])
def test_is_answered_with_what_was_wrong_and_what_would_be_right(typed, said):
    text = refusal(typed)

    for part in said:
        assert part in text
    assert text.endswith("Nothing was changed.")


def test_what_is_quoted_back_is_short_escaped_and_without_backticks():
    text = refusal("scale a`<!channel>&" + "y" * 5000 + " 3")

    assert len(text) < 400
    assert "a'@channel&amp;yyy" in text
    assert "…" in text


def test_ten_services_are_taken_and_eleven_are_refused():
    ten = " ".join(f"s{number}=1" for number in range(10))

    assert parse(f"scale {ten}", DEFAULTS) == scale(**{f"s{n}": 1 for n in range(10)})
    assert "11 services at once are too many" in refusal(f"scale {ten} s10=1")


def test_the_ceiling_and_the_default_service_come_from_the_settings():
    defaults = Defaults(command="/x", service="web", max_replicas=3)

    assert parse("scale 3", defaults) == scale(web=3)
    assert "at most 3" in refusal("scale 4", defaults)
    assert "`/x scale 3`" in refusal("scale 4", defaults)


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_example_in_the_table_is_read_as_its_own_command(row):
    assert row.examples
    for example, _ in row.examples:
        assert isinstance(parse(example, DEFAULTS), row.command)


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_command_is_found_by_its_word_and_by_its_value(row):
    command = parse(row.examples[0][0], DEFAULTS)

    assert not isinstance(command, Reply)
    assert spec(row.name.upper()) is row
    assert spec_of(command) is row


def test_what_changes_anything_is_for_operators():
    changing = {row.name for row in COMMANDS if row.changes}

    assert changing == {
        *("scale", "restart", "rollback", "cancel", "drain", "activate", "join", "deploy"),
    }


def test_words_that_lead_to_a_command_are_not_commands_and_lead_to_one_only():
    words = [word for row in COMMANDS for word in row.also]

    assert len(words) == len(set(words))
    assert not {row.name for row in COMMANDS} & set(words)
