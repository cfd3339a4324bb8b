"""How typed text is parsed."""

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
    ImageTarget,
    Join,
    ListImages,
    ListIncidents,
    ListJobs,
    ListNodes,
    ListStacks,
    ListTasks,
    ListVersions,
    ListVolumes,
    ReadLogs,
    Remove,
    Reply,
    Restart,
    Resume,
    RollBack,
    Run,
    Scale,
    ScaleTarget,
    ShowMap,
    Status,
    Update,
    spec,
    spec_of,
)

DEFAULTS = Defaults(command="/orochi", service="worker01", max_replicas=100)


def refusal(typed, defaults=DEFAULTS):
    """The answer to text that is not a valid command."""
    reply = parse(typed, defaults)
    assert isinstance(reply, Reply)
    return reply.text


def scale(**targets):
    return Scale(tuple(ScaleTarget(name, count) for name, count in targets.items()))


def update(**targets):
    return Update(tuple(ImageTarget(name, image) for name, image in targets.items()))


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
    "deploy \u2013yes": Deploy(yes=True),
    "deploy shop \u2013y": Deploy("shop", yes=True),
    "deploy shop \u2014y": Deploy("shop", yes=True),
    "deploy shop \u2013\u2013yes": Deploy("shop", yes=True),
    "drain photon\u2013machine\u201302 \u2013yes": Drain("photon-machine-02", yes=True),
    "deploy `shop`": Deploy("shop"),
    'deploy "shop"': Deploy("shop"),
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
    "update worker01": update(worker01=""),
    "update worker01 :2.1": update(worker01=":2.1"),
    "Update worker01 :V2-Beta --yes": Update((ImageTarget("worker01", ":V2-Beta"),), yes=True),
    "update worker01 reg.example.net:5000/orochi/worker:2": update(
        worker01="reg.example.net:5000/orochi/worker:2"
    ),
    "update worker01 <http://reg.example.net/app:2|reg.example.net/app:2>": update(
        worker01="reg.example.net/app:2"
    ),
    "update worker01=:2 django = app:3": update(worker01=":2", django="app:3"),
    "update worker01=:2, django": update(worker01=":2", django=""),
    "update --all": Update(()),
    "update shop --all --yes": Update((), yes=True, stack="shop"),
    "update --ALL shop": Update((), stack="shop"),
    f"update worker01 @sha256:{'0a' * 32}": update(worker01=f"@sha256:{'0a' * 32}"),
    "restart worker01": Restart("worker01"),
    "Restart orochi_django": Restart("orochi_django"),
    "restart `worker01`": Restart("worker01"),
    "restart help": Help("restart"),
    "resume worker01": Resume("worker01"),
    "remove shop": Remove("shop"),
    "remove shop/": Remove("shop"),
    "REMOVE `Shop`": Remove("Shop"),
    "remove help": Help("remove"),
    "run django -- ls": Run("django", ("ls",)),
    "RUN shop/web -- python manage.py migrate --noinput": Run(
        "shop/web", ("python", "manage.py", "migrate", "--noinput")
    ),
    "run django -- sh -c 'echo \"a b\"; ls | wc'": Run(
        "django", ("sh", "-c", 'echo "a b"; ls | wc')
    ),
    "run django -- echo a=b c:d *.py $HOME": Run("django", ("echo", "a=b", "c:d", "*.py", "$HOME")),
    "run django -- echo &lt;a&gt; &amp;&amp; ls": Run("django", ("echo", "<a>", "&&", "ls")),
    "run django \u2014 manage \u2014noinput \u201ca b\u201d": Run(
        "django", ("manage", "--noinput", "a b")
    ),
    "run django -- a -- b": Run("django", ("a", "--", "b")),
    "run django -- curl <http://x.net|x.net>": Run("django", ("curl", "x.net")),
    "run help": Help("run"),
    "\u200brun web -- npm run build -- --prod": Run("web", ("npm", "run", "build", "--", "--prod")),
    "`run web -- echo hi`": Run("web", ("echo", "hi")),
    "run `web` -- ls": Run("web", ("ls",)),
    "/orochi run web -- ls": Run("web", ("ls",)),
    "run\tweb --\nls -l": Run("web", ("ls", "-l")),
    "rollback": RollBack(),
    "rollback --yes": RollBack(yes=True),
    "rollback worker01": RollBack("worker01"),
    "ROLLBACK orochi_django": RollBack("orochi_django"),
    "status": Status(),
    "status django": Status("django"),
    "status shop": Status("shop"),
    "status shop/": Status("shop/"),
    "status shop/web": Status("shop/web"),
    "status --all": Status(all=True),
    "status -A": Status(all=True),
    "ps shop/": ListTasks("shop/"),
    "incidents shop/": ListIncidents("shop/"),
    "restart shop/web": Restart("shop/web"),
    "restart /proxy": Restart("/proxy"),
    "logs shop/web --lines 5": ReadLogs("shop/web", lines=5),
    "scale shop/web 3": Scale((ScaleTarget("shop/web", 3),)),
    "scale shop/web=3 django=2": Scale((ScaleTarget("shop/web", 3), ScaleTarget("django", 2))),
    "update shop/web :2": Update((ImageTarget("shop/web", ":2"),)),
    "update shop/web": Update((ImageTarget("shop/web"),)),
    "update shop/web=:2 api=:3": Update((ImageTarget("shop/web", ":2"), ImageTarget("api", ":3"))),
    "update --all shop/": Update((), stack="shop"),
    "rollback shop/": RollBack(stack="shop"),
    "rollback --yes shop/": RollBack(stack="shop", yes=True),
    "rollback shop/web": RollBack("shop/web"),
    "deploy shop/": Deploy("shop"),
    "images shop/": ListImages("shop"),
    "history shop/": ListVersions("shop"),
    "Status orochi_django": Status("orochi_django"),
    "ps": ListTasks(),
    "PS django": ListTasks("django"),
    "logs django": ReadLogs("django"),
    "logs django --since 10m": ReadLogs("django", since=600),
    "logs django --since 1h30m --lines 20": ReadLogs("django", since=5400, lines=20),
    "logs —since=2D django —lines=5000": ReadLogs("django", since=172800, lines=5000),
    "logs django -n 5": ReadLogs("django", lines=5),
    "logs django --tail 5": ReadLogs("django", lines=5),
    "logs worker01.2": ReadLogs("worker01", place="2"),
    "logs shop/web.2": ReadLogs("shop/web", place="2"),
    "logs exporter.m-02": ReadLogs("exporter", place="m-02"),
    "logs exporter.node.example.org": ReadLogs("exporter", place="node.example.org"),
    "logs django --grep KeyError": ReadLogs("django", lines=2000, grep="KeyError"),
    "logs django --grep error: --lines 50": ReadLogs("django", lines=50, grep="error:"),
    "logs django --grep=a=b": ReadLogs("django", lines=2000, grep="a=b"),
    "logs --lines 9 django --grep connection refused": ReadLogs(
        "django", lines=9, grep="connection refused"
    ),
    'logs django --grep "connection refused" --since 1h': ReadLogs(
        "django", 3600, 2000, grep="connection refused"
    ),
    "ps --wide": ListTasks(wide=True),
    "ps —wide django": ListTasks("django", wide=True),
    "ps shop/ -w": ListTasks("shop/", wide=True),
    "nodes --WIDE": ListNodes(wide=True),
    "nodes": ListNodes(),
    "history": ListVersions(),
    "history shop": ListVersions("shop"),
    "stacks": ListStacks(),
    "images": ListImages(),
    "images shop": ListImages("shop"),
    "volumes": ListVolumes(),
    "volumes shop/": ListVolumes("shop"),
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
    "jobs `K3F9AB`": ListJobs("k3f9ab"),
    "nodes m-02": ListNodes("m-02"),
    "incidents #w4b7ke": ListIncidents("w4b7ke"),
    "cancel k3f9ab": Cancel("k3f9ab"),
    "cancel `K3F9AB`": Cancel("k3f9ab"),
    "cancel #k3f9ab": Cancel("k3f9ab"),
}

ANSWERED = {
    "scale": ("Scale to how many replicas?", "`/orochi scale worker01 5`"),
    "scale worker01": ("Scale `worker01` to how many replicas?", "`/orochi scale worker01 5`"),
    "scale worker01=": ("Scale `worker01` to how many replicas?", "`/orochi scale"),
    "scale =3": ("Scale which service to `3`?", "`/orochi scale"),
    "scale =": ("Extra `=`.", "`/orochi scale"),
    "scale to 5": ("`to` isn't needed", "`/orochi scale worker01=5`"),
    "scale django to 5": ("`to` isn't needed", "`/orochi scale django=5`"),
    "scale 5 replicas": ("`replicas` isn't needed", "`/orochi scale worker01=5`"),
    "scale worker01 up by 2": ("`up` isn't needed", "Try: `/orochi scale 5`"),
    "scale up": ("`up` isn't needed", "Try: `/orochi scale 5`"),
    "scale +5": ("`+5` is a relative number", "Try: `/orochi scale 5`"),
    "scale -2": ("`-2` is a relative number", "Try: `/orochi scale 5`"),
    "scale \u20132": ("`-2` is a relative number", "Try: `/orochi scale 5`"),
    "scale \u202e5": ("changes the direction of text (U+202E)", "Type it by hand"),
    "scale \u20665\u2069": ("changes the direction of text (U+2066)", "Type it by hand"),
    "drain node\u200f1": ("changes the direction of text (U+200F)", "Type it by hand"),
    'deploy "orochi': ("A quotation mark is not closed.", "Try: `/orochi deploy orochi`"),
    'deploy sh"op"': ("A quotation mark is not closed.", "Try: `/orochi deploy shop`"),
    "restart worker01`": ("A quotation mark is not closed.", "Try: `/orochi restart worker01`"),
    "scale “worker01 3": ("A quotation mark is not closed.", "Try: `/orochi scale worker01=3`"),
    "scale 'worker01 3": ("A quotation mark is not closed.", "Try: `/orochi scale worker01=3`"),
    "scale 'worker01": ("A quotation mark is not closed.", "Try: `/orochi scale worker01 5`"),
    "scale \u22122": ("`-2` is a relative number", "Try: `/orochi scale 5`"),
    "scale 3.5": ("`3.5` isn't a whole number", "Try: `/orochi scale 5`"),
    "scale 1e3": ("`1e3` isn't a whole number", "Try: `/orochi scale 5`"),
    "scale 10^30": ("`10^30` isn't a whole number", "Try: `/orochi scale 5`"),
    "scale 5²": ("`5²` isn't a whole number", "Try: `/orochi scale 5`"),
    "scale \u0665": ("`\u0665` isn't a whole number", "Try: `/orochi scale 5`"),
    "scale five": ("Write `five` as `5`", "`/orochi scale 5`"),
    "scale django ten": ("Write `ten` as `10`", "`/orochi scale django 10`"),
    "scale django +1": ("is a relative number", "`/orochi scale django 5`"),
    "scale shop/web 1000000": ("is above the limit", "`/orochi scale shop/web 5`"),
    "scale django many": ("`many` isn't a whole number", "`/orochi scale django 5`"),
    "scale 101": ("`101` replicas is above the limit of 100 per service", "`/orochi scale 5`"),
    "scale 1" + "0" * 30: ("is above the limit of 100", "`/orochi scale 5`"),
    "scale " + "9" * 5000: ("is above the limit of 100", "`/orochi scale 5`"),
    "scale 1,000": ("Two numbers but no service: `1 000`", "`/orochi scale 5`"),
    "scale 5 3": ("Two numbers but no service: `5 3`", "`/orochi scale 5`"),
    "scale 5 django=3": ("Scale which service to `5`?", "`/orochi scale"),
    "scale django 3 worker01": ("Scale `worker01` to how many replicas?", "`/orochi scale"),
    "scale worker01=3 worker01=4": ("`worker01` is listed twice (3 and 4)", "once"),
    "scale 5 —yes": ("`scale` has no option `--yes`", "`/orochi scale 5`"),
    'scale "" 5': ('`""` is not a valid service name', "`/orochi status`"),
    "scale * 5": ("`*` is not a valid service name", "`/orochi status`"),
    "scale <@U123|bob> 3": ("`@bob` is not a valid service name", "`/orochi status`"),
    "scale <@U123> 3": ("`@U123` is not a valid service name", "`/orochi status`"),
    "scale <!channel> 3": ("`@channel` is not a valid service name", "`/orochi status`"),
    "scale <#C123|general> 3": ("`#general` is not a valid service name", "`/orochi status`"),
    "scale <http://a.example|a.example> 3": (
        "`a.example` is not a valid service name",
        "`/orochi status`",
    ),
    "scale a&lt;b 3": ("`a&lt;b` is not a valid service name", "`/orochi status`"),
    "scale " + "x" * 64 + " 3": ("is not a valid service name", "at most 63"),
    "status django worker01": ("`status` takes one service", "`/orochi status worker01`"),
    "jobs all": ("`all` is not a valid job id", "`/orochi jobs`"),
    "jobs k3f9ab k3f9ac": ("`jobs` takes one job.", "`/orochi jobs`"),
    "cancel": ("Cancel which job?", "`/orochi jobs`"),
    "cancel k3f9ab k3f9ac": ("`cancel` takes one job.", "`/orochi jobs`"),
    "cancel everything": ("`everything` is not a valid job id", "`/orochi jobs`"),
    "cancel abc123": (
        "an id has six letters and digits, none of them i, l, o, 0 or 1, like `k3f9ab`",
        "`/orochi jobs`",
    ),
    "cancel 5": ("`5` is not a valid job id", "`/orochi jobs`"),
    "help frobnicate": ("Unknown command `frobnicate`", "See `/orochi help`."),
    "statsu": ("Unknown command `statsu`", "Did you mean `/orochi status`?"),
    "scal 5": ("Unknown command `scal`", "Did you mean `/orochi scale worker01=5`?"),
    "cancle k3f9ab": ("Unknown command `cancle`", "Did you mean `/orochi cancel k3f9ab`?"),
    "tasks": ("Unknown command `tasks`", "Did you mean `/orochi ps`?"),
    "ps a b": ("`ps` takes one service or stack, or none", "`/orochi ps worker01`"),
    "logs": ("Logs of which service?", "`/orochi logs worker01 --since 10m --lines 50`"),
    "logs django web": ("`logs` takes one service.", "`/orochi logs worker01"),
    "logs django --follow": ("`logs` has no option `--follow`", "`/orochi logs worker01"),
    "logs django -f": ("`logs` has no option `-f`", "`/orochi logs worker01"),
    "logs django --since": ("(nothing) is not a valid duration", "Try: `--since 10m`"),
    "logs django --since 10": ("`10` is not a valid duration", "Try: `--since 10m`"),
    "logs django --since 31d": ("`31d` is not a valid duration", "at most 30 days"),
    "logs django --since 0s": ("`0s` is not a valid duration", "Try: `--since 10m`"),
    "logs django --lines 0": ("`0` is not a valid number of lines", "Use 1 to 5000.\nTry"),
    "logs django --lines many": ("`many` is not a valid number of lines", "`/orochi logs"),
    "logs django --lines 5 --tail 6": ("`--tail` is given twice", "`/orochi logs"),
    "logs worker01 2": ("with its slot behind a dot", "`/orochi logs worker01.2`"),
    "logs worker01.": ("(nothing) is not a slot", "`/orochi logs worker01.1`"),
    "logs worker01.*": ("`*` is not a slot", "`/orochi logs worker01.1`"),
    "logs django --grep": ("Which word is to be found?", "`/orochi logs worker01 --grep WORD`"),
    "logs --grep error django": ("Logs of which service?", "`/orochi logs worker01 --grep WORD`"),
    f"logs django --grep {'x' * 101}": ("is too long", "at most 100 characters"),
    "logs django --wide": ("`logs` has no option `--wide`", "`/orochi logs"),
    "ps --all": ("`ps` has no option `--all`", "`/orochi ps`"),
    "nodes m-02 --wide": ("`--wide` is for the list of all nodes", "`/orochi nodes m-02`"),
    "logs *": ("`*` is not a valid service name", "`/orochi status`"),
    "history a b": ("`history` takes one stack.", "`/orochi history orochi`"),
    "history ../x": ("`../x` is not a valid stack name.", "`/orochi history orochi`"),
    "images a b": ("`images` takes one stack", "`/orochi images orochi`"),
    "images reg/app": ("`reg/app` is not a valid stack name", "`/orochi stacks`"),
    "stacks all": ("`stacks` takes no arguments", "`/orochi stacks`"),
    "nodes n1 n2": ("`nodes` takes one node.", "`/orochi nodes`"),
    "nodes *": ("`*` is not a valid node name or id", "`/orochi nodes`"),
    "volumes x y": ("`volumes` takes one stack, or none", "`/orochi volumes orochi`"),
    "volumes ../x": ("is not a valid stack name", "`/orochi stacks`"),
    "drain": ("Drain which node?", "`/orochi nodes`"),
    "drain n1 --force": ("`drain` has no option `--force`", "`/orochi drain NODE --yes`"),
    "drain a b": ("`drain` takes one node", "`/orochi nodes`"),
    "drain ../x": ("`../x` is not a valid node name or id", "`/orochi nodes`"),
    "activate": ("Activate which node?", "`/orochi nodes`"),
    "join": ("Join as worker or manager?", "`/orochi join worker` or `/orochi join manager`"),
    "join leader": ("`leader` is not a role", "`/orochi join worker`"),
    "join worker please": ("`join` takes one role.", "Try: `/orochi join worker`"),
    "join rotate worker please": ("`join` takes one role.", "`/orochi join rotate worker`"),
    "join rotate": ("Rotate the token of which role?", "`/orochi join rotate worker`"),
    "join rotate all": ("Rotate the token of which role?", "`/orochi join rotate manager`"),
    "undrain n1": ("Unknown command `undrain`", "Did you mean `/orochi activate n1`?"),
    "5": ("Unknown command `5`", "Did you mean `/orochi scale worker01=5`?"),
    "django 2": ("Unknown command `django`", "Did you mean `/orochi scale django=2`?"),
    "django = 2": ("Unknown command `django`", "Did you mean `/orochi scale django=2`?"),
    "deploy shop shelf": ("`deploy` takes one stack", "`/orochi deploy`"),
    "deploy --prune": ("no option `--prune`", "`/orochi deploy orochi --yes`"),
    "deploy shop.yml": ("`shop.yml` is a file name", "`/orochi deploy shop`"),
    "deploy ../shop": ("`../shop` is not a valid stack name", "the name of its file"),
    "frobnicate": ("Unknown command `frobnicate`", "See `/orochi help`."),
    "update": ("Update which service?", "`/orochi update worker01 :2.1`"),
    "update :2": ("Update which service to `:2`?", "`/orochi update worker01 :2`"),
    "update worker01 2.1": ("`2.1` may be a tag or an image", "`/orochi update worker01 :2.1`"),
    "update worker01 stable": (
        "`stable` may be a tag or an image",
        "`/orochi update worker01 :stable`",
    ),
    "update worker01 to :2": ("`to` isn't needed", "`/orochi update worker01 :2`"),
    "update worker01:2": ("`worker01:2` is an image", "`/orochi update worker01 :2`"),
    "update reg.example.net/app:2": ("is an image", "`/orochi update worker01 reg.example.net/app"),
    "update worker01 Orochi/Worker:2": (
        "in lower case",
        "`/orochi update worker01 orochi/worker:2`",
    ),
    "update worker01 https://reg.example.net/app": (
        "has no `https://`",
        "`/orochi update worker01 reg.example.net/app`",
    ),
    "update worker01 :": ("The tag after the colon is missing", "`/orochi update worker01 :2.1`"),
    "update worker01 app@sha256:12": ("this one has 2", "`/orochi update worker01"),
    "update worker01 a b": ("Too many words.", "`/orochi update worker01 :2.1`"),
    "update worker01=": ("Update `worker01` to which image?", "`/orochi update worker01 :2.1`"),
    "update worker01=:2 worker01=:3": ("`worker01` is listed twice", "List it once."),
    "update --all shop web": ("`update --all` takes one stack", "`/orochi update --all orochi`"),
    "update --all shop/web": ("`shop/web` is not a valid stack name", "`/orochi stacks`"),
    "restart shop/": ("`shop/` is a stack, not a service.", "`/orochi status shop/`"),
    "scale a/b/c 2": ("`a/b/c` is not a valid service name", "`/orochi status`"),
    "update worker01 :2 --force": ("`update` has no option `--force`", "`/orochi update"),
    "upgrade worker01": ("Unknown command `upgrade`", "`/orochi update worker01`"),
    "restart": ("Restart which service?", "`/orochi restart worker01`"),
    "restart worker01 django": ("takes one service.", "`/orochi restart worker01`"),
    "restart worker01=3": ("`worker01=3` is not a valid service name", "`/orochi status`"),
    "rollback web --yes": (
        "`--yes` isn't needed when you name a service",
        "`/orochi rollback web`",
    ),
    "rollback worker01 v1": ("takes one service.", "`/orochi rollback worker01`"),
    "resume": ("Resume which service?", "`/orochi resume worker01`"),
    "remove": ("Remove which stack?", "`/orochi remove shop`", "`/orochi stacks`"),
    "remove shop blog": ("`remove` takes one stack.", "`/orochi remove shop`"),
    "remove shop --yes": ("`remove` has no option `--yes`", "it asks for the stack's name"),
    "remove shop/web": ("`shop/web` is a service", "`/orochi scale shop/web 0`"),
    "remove shop.yml": ("`shop.yml` is a file name", "`/orochi remove shop`"),
    "remove a.b": ("`a.b` is not a valid stack name",),
    "rm shop": ("Unknown command `rm`", "`/orochi remove shop`"),
    "run": ("Run what?", "`/orochi run worker01 -- python manage.py migrate`"),
    "run django ls": ("Put `--` between the service and the command.", "`/orochi run"),
    "run -- ls": ("Run on which service?", "`/orochi run worker01 --"),
    "run django web -- ls": ("`run` takes one service.", "`/orochi run"),
    "run django --": ("Run which command?", "`/orochi run"),
    "run django -- echo 'a": ("A quotation mark is not closed.", "Close or leave it out"),
    "run shop/ -- ls": ("`shop/` is a stack, not a service.", "`/orochi status shop/`"),
    "run a.b -- ls": ("`a.b` is not a valid service name", "`/orochi status`"),
    "run web -- " + "x" * 4001: ("The command is too long: at most 4000 characters.",),
    "exec web ls": ("`run` starts a new container", "`/orochi run web -- ls`"),
    "exec -it shop/web -- sh -c 'ls | wc'": (
        "`run` starts a new container like the service's; it does not enter a running one.",
        "Did you mean `/orochi run shop/web -- sh -c 'ls | wc'`?",
    ),
    "exec": ("Unknown command `exec`.", "`/orochi run worker01 -- python manage.py migrate`"),
    "unpause django": ("Unknown command `unpause`", "`/orochi resume django`"),
    "stop django": ("Unknown command `stop`", "Did you mean `/orochi scale django=0`?"),
    "ls": ("Unknown command `ls`", "Did you mean `/orochi status`?"),
    "list": ("Unknown command `list`", "Did you mean `/orochi status`?"),
    "status --every": ("`status` has no option `--every`", "`/orochi status --all`"),
    "restart worker01 --yes": ("`restart` has no option `--yes`", "`/orochi restart django`"),
    "nodes -a": ("`nodes` has no option `-a`", "Try: `/orochi nodes`"),
    "deploy shop -f": ("`deploy` has no option `-f`", "Try: `/orochi deploy"),
    "restrat django": ("Unknown command `restrat`", "`/orochi restart django`"),
    "reboot django": ("Unknown command `reboot`", "`/orochi restart django`"),
    "undo django": ("Unknown command `undo`", "`/orochi rollback django`"),
    "roll-back django": ("Unknown command `roll-back`", "`/orochi rollback django`"),
    "incidents a b": (
        "`incidents` takes one service, stack or incident, or none",
        "incidents worker01",
    ),
    "alerts": ("Unknown command `alerts`", "Did you mean `/orochi incidents`?"),
    "=": ("Unknown command `=`", "See `/orochi help`."),
    "`rm -rf`": ("Unknown command `rm`", "`/orochi remove`"),
}


@pytest.mark.parametrize(("typed", "command"), READ.items())
def test_typed_text_is_parsed_as_its_command(typed, command):
    assert parse(typed, DEFAULTS) == command


@pytest.mark.parametrize(("typed", "said"), ANSWERED.items(), ids=lambda value: str(value)[:30])
def test_invalid_text_is_answered_with_the_problem_and_an_example(typed, said):
    text = refusal(typed)

    for part in said:
        assert part in text


@pytest.mark.parametrize(
    ("typed", "changes"),
    [("scale five", True), ("drain", True), ("map all", False), ("logs", False), ("x", False)],
)
def test_only_a_command_that_changes_something_says_that_nothing_was_changed(typed, changes):
    assert refusal(typed).endswith("Nothing was changed.") is changes


def test_quoted_input_is_short_escaped_and_without_backticks():
    text = refusal("scale a`<!channel>&" + "y" * 5000 + " 3")

    assert len(text) < 400
    assert "a'@channel&amp;yyy" in text
    assert "…" in text


def test_ten_services_are_accepted_and_eleven_are_refused():
    ten = " ".join(f"s{number}=1" for number in range(10))

    assert parse(f"scale {ten}", DEFAULTS) == scale(**{f"s{n}": 1 for n in range(10)})
    assert "Too many services: 11" in refusal(f"scale {ten} s10=1")


def test_the_ceiling_and_the_default_service_come_from_the_settings():
    defaults = Defaults(command="/x", service="web", max_replicas=3)

    assert parse("scale 3", defaults) == scale(web=3)
    assert "above the limit of 3" in refusal("scale 4", defaults)
    assert "`/x scale 3`" in refusal("scale 4", defaults)


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_example_in_the_table_is_parsed_as_its_command(row):
    assert row.examples
    for example, _ in row.examples:
        assert isinstance(parse(example, DEFAULTS), row.command)


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_every_command_is_found_by_its_name_and_by_its_value(row):
    command = parse(row.examples[0][0], DEFAULTS)

    assert not isinstance(command, Reply)
    assert spec(row.name.upper()) is row
    assert spec_of(command) is row


def test_commands_that_change_something_are_for_operators():
    changing = {row.name for row in COMMANDS if row.changes}

    assert changing == {
        *(
            "scale",
            "update",
            "restart",
            "resume",
            "run",
            "rollback",
            "cancel",
            "drain",
            "activate",
            "join",
            "deploy",
            "remove",
        ),
    }


def test_aliases_are_not_commands_and_are_unique():
    words = [word for row in COMMANDS for word in row.also]

    assert len(words) == len(set(words))
    assert not {row.name for row in COMMANDS} & set(words)
