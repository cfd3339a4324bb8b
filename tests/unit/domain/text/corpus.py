"""150 secrets and 150 look-alikes in the lines in which logs have them.

Nothing here is a real secret: values are drawn from a seeded generator with the prefix, length and
alphabet of the real ones, so that no line of this file looks like one. ``{a36}`` stands for 36
letters and digits; the letters are those of ``ALPHABETS``. In a line of ``SECRETS`` the part
between ``«`` and ``»`` is the secret.
"""

from __future__ import annotations

import random
import re
import string

ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_letters,
    "d": string.digits,
    "h": "0123456789abcdef",
    "n": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + "234567",
    "w": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "c": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "p": string.ascii_letters + string.digits + "!#%*+.^~",
}

TOKENS = r"""
xoxb-{d12}-{d12}-{a24}
xoxp-{d12}-{d12}-{d12}-{h32}
xapp-1-A{u10}-{d13}-{h64}
xoxe.xoxp-1-{a146}
https://hooks.slack.com/services/T{u10}/B{u10}/{a24}
https://hooks.slack.com/workflows/T{u10}/A{u10}/{d18}/{a24}
https://discord.com/api/webhooks/{d18}/{w68}
https://acme.webhook.office.com/webhookb2/{h8}-{h4}@{h8}/IncomingWebhook/{h32}/{h8}
https://api.telegram.org/bot{d10}:AA{w33}/sendMessage
{d10}:AA{w33}
ghp_{a36}
gho_{a36}
ghs_{a36}
github_pat_{a22}_{a59}
glpat-{w20}
glptt-{h40}
gldt-{w20}
glrt-{w20}
glsoat-{w20}
npm_{a36}
pypi-AgEIcHlwaS5vcmc{w60}
rubygems_{h48}
dckr_pat_{w27}
ATATT3{w186}
CCIPAT_{a22}_{h40}
sqp_{h40}
AKIA{u16}
ASIA{u16}
AIza{w35}
GOCSPX-{w28}
ya29.{w60}
dop_v1_{h64}
doo_v1_{h64}
LTAI{a20}
fo1_{w43}
nfp_{a36}
pscale_tkn_{w43}
pscale_pw_{w43}
sbp_{h40}
sha256~{w43}
pul-{h40}
tskey-auth-k{a12}CNTRL-{a32}
dapi{h32}
sk-ant-api03-{w93}AA
sk-proj-{w74}T3BlbkFJ{w74}
sk-{a20}T3BlbkFJ{a20}
hf_{l34}
gsk_{a52}
r8_{a37}
pplx-{a48}
hvs.{w95}
hvb.{w138}
s.{a24}
{a14}.atlasv1.{w65}
AGE-SECRET-KEY-1{c58}
dp.pt.{a43}
glsa_{a32}_{h8}
glc_{b60}
sntryu_{h64}
NRAK-{u27}
dt0c01.{u24}.{u64}
sk_live_{a24}
sk_test_{a24}
rk_live_{a99}
whsec_{b32}
sq0atp-{w22}
SG.{w22}.{w43}
xkeysib-{h64}-{a16}
key-{h32}
{h32}-us12
shpat_{h32}
shippo_live_{h40}
EZAK{a54}
lin_api_{a40}
ntn_{d11}{a35}
figd_{w40}
PMAK-{h24}-{h34}
eyJ{w33}.eyJ{w60}.{w43}
eyJ{w33}..{w16}.{w60}.{w22}
{w3}8Q~{w34}
SWMTKN-1-{n50}-{n25}
SWMKEY-1-{b43}
pat{a14}.{h64}
""".strip().splitlines()
"""Each of them is a secret by its form alone."""

PLACES = (
    "using {} for the upload",
    "2026-11-25T10:00:00.123Z ERROR rejected: {}",
    '{{"level":"info","msg":"login","value":"{}"}}',
    "worker01 | started with ({})",
    "request failed: 401 for '{}'",
)

NAMED = r"""
POSTGRES_PASSWORD=«{p14}»
export MYSQL_ROOT_PASSWORD='«{p10} {p6}»'
DB_PASS=«{p12}»
REGISTRY_PW=«{p9}»
RABBITMQ_DEFAULT_PASS: «{p12}»
django.secret_key = "«{p50}»"
"client_secret": "«{w40}»",
{"user":"ann","password":"«{p12}»","tls":true}
level=info msg="sent {\"token\":\"«{a32}»\"}"
--api-key «{a32}» --verbose
--password=«{p12}»
["serve", "--auth-token", "«{a24}»"]
aws_secret_access_key = «{b40}»
SECRET_KEY_BASE=«{h128}»
private_key: «{b44}»
Authorization: Bearer «{w40}»
authorization: Basic «{b24}==»
> Proxy-Authorization: Basic «{b28}»
Cookie: «session={a40}; theme=dark»
Set-Cookie: «sid={a40}»; Path=/
sent Bearer «{w40}» to the api
X-Api-Key: «{a32}»
X-Vault-Token: «{w26}»
postgres://app:«{p12}»@db:5432/orochi
redis://:«{p12}»@redis:6379/0
amqp://u:«{p5}/{p6}»@rabbit/
mongodb+srv://app:«{p6}@{p6}»@cluster0.mongodb.net/x
https://«{h32}»@o123.ingest.sentry.io/42
https://«{a40}»@github.com/acme/app.git
https://oauth2:«{w20}»@gitlab.com/acme/app.git
mysql://root:«{p10}»@10.0.0.7/shop?charset=utf8
GET /blob?sv=2022-11-02&sr=b&sig=«{a40}%3D»
GET /maps/api/js?key=«{w39}» HTTP/1.1
https://s3.lan/x?X-Amz-Signature=«{h64}»
GET /hook?token=«{a24}»&page=2
AccountName=acme;AccountKey=«{b86}==»;EndpointSuffix=core.windows.net
Endpoint=sb://x.servicebus.windows.net/;SharedAccessKey=«{b43}=»
Server=db;User Id=sa;Password=«{p12}»
curl -u ann:«{p12}» https://registry.lan/v2/
curl -s --user ann:«{p12}» http://db/
wget --user=ann --password=«{p12}» http://x/
redis-cli -a «{p12}» ping
["CMD", "redis-cli", "-a", "«{p12}»", "ping"]
redis-server --requirepass «{p12}»
mysqladmin ping -h localhost -uroot -p«{p12}»
exec: mysqldump -p«{a12}» shop
serve -p«{n6}77x» --verbose
sshpass -p «{p12}» ssh ann@db
docker login -u ann -p «{p16}» registry.lan
mosquitto_pub -h mq -u ann -P «{a12}» -t x
ldapsearch -x -D cn=admin -w «{p12}»
smbclient //nas/x -U ann%«{p12}»
htpasswd -bc /etc/x ann «{a12}»
rabbitmqctl change_password ann «{a12}»
<password>«{p12}»</password>
<apiKey>«{a32}»</apiKey>
<add key="dbPassword" value="«{a12}»"/>
{"auths":{"registry.lan":{"auth":"«{b24}==»"}}}
//registry.lan/:_authToken=«{h36}»
_auth=«{b24}==»
machine registry.lan login ann password «{p12}»
ALTER USER app WITH PASSWORD '«{p12}»'
CREATE USER 'ann'@'%' IDENTIFIED BY '«{p12}»'
A temporary password is generated for root@localhost: «{a12}»
GENERATED ROOT PASSWORD: «{a32}»
mount //nas/media:/v, data: username=ann,password=«{n10}»,uid=1
password => «{p12}»
""".strip().splitlines()
"""Secrets by the name before them, or by their position."""

SAME = r"""
Status: Downloaded newer image for nginx@sha256:{h64}
sha256:{h64}: Pull complete
redis:7.2-alpine@sha256:{h64}
registry.lan:5000/team/app:{h7}
ghcr.io/acme/api-token-service:v1.4.2
registry.lan/auth-token:1.4@sha256:{h64}
docker.io/library/postgres:16.4-bookworm
quay.io/keycloak/keycloak:24.0.1
hashicorp/vault-secrets-operator:0.5.1
bitnami/sealed-secrets-controller:0.24.5
HEAD is now at {h7} Fix the upload
commit {h40}
deployed revision {h40} of main
Merge branch 'token-refresh' ({h8})
index {h7}..{h7} 100644
git clone https://github.com/acme/app.git
fetching https://git@github.com/acme/app
ssh://deploy@worker01/srv/app
id={h8}-{h4}-4{h3}-a{h3}-{h12}
request_id: {h8}-{h4}-4{h3}-9{h3}-{h12}
trace_id={h32} span_id={h16}
traceparent: 00-{h32}-{h16}-01
etag: "{h32}"
md5 {h32} of backup.tar
ETag W/"{h8}-{h11}"
container {h64} started
container {h12} exited with code 137
orochi_worker01.1.{n25}
task {n25} on node {n25}
network {n25} attached
node photon-machine-02 is ready
web-{h9}-{n5} is running
k8s_app_web-{h9}-{n5}_default_{h8}-{h4}-4{h3}-a{h3}-{h12}_0
10.0.0.{d2} - - "GET /status HTTP/1.1" 200 {d4}
http://scheduler:8787/status?page=2&email=ann@example.com
https://example.com/a/b/c?key=value&page=3
http://[fd00::17]:8080/metrics
tcp://10.0.0.1:8786 connected
redis://redis:6379/0
postgres://db:5432/orochi
nfs://10.0.0.20:/export/media
mailto:ann@example.com
amqp://guest@rabbit:5672/
the password was wrong
invalid password for user ann
password authentication failed for user "app"
Password expired, ask an operator
5 passed, 1 failed in 0.3 s
compass=north bypass: no
passenger count 3, passing 4
total_tokens=512 prompt_tokens: 128
max_tokens=4096
"usage":{"completion_tokens":17,"total_tokens":44}
tokenizer: bert-base-uncased
tokenize=true
token_type=Bearer
token_count: 1234567
POSTGRES_PASSWORD_FILE=/run/secrets/db_password
open /run/secrets/db_password: no such file or directory
/etc/secrets/token: permission denied
secret_name=orochi_password
password_policy=strict
password_length: 16
"password": null
"token": ""
password: ********
token=<redacted>
PASSWORD=${DB_PASSWORD}
DB_PASSWORD=$DB_PASSWORD
auth: ok
auth=ldap
"auth": true
basic authentication is enabled
Basic auth failed for ann
Bearer token missing
bearer authentication required
WWW-Authenticate: Bearer realm="https://registry.lan"
key=value user=ann
key: orders:1234567
cache key user:42 missed
primary key violates constraint users_pkey
ssh-ed25519 host key fingerprint SHA256:{b43}
public key {h16} is unknown
signature verified
x-request-id={h32}
version=1.2.3+build.{h7}
v2.0.0-rc.1-{h7}
Python 3.11.4 on linux, build {h12}
elasticsearch-8.11.0-linux-x86_64.tar.gz
libssl3_3.0.11-1~deb12u2_amd64.deb
/opt/conda/lib/python3.8/site-packages/volatility3/symbols
/var/lib/docker/overlay2/{h64}/merged
/var/lib/docker/volumes/{h64}/_data
/var/lib/docker/containers/{h64}/{h64}-json.log
blob sha256:{h64} 31.2 MB
layer {h12}: Already exists
digest: sha256:{h64} size: 1573
manifest unknown: {h12}
mysql --port=3306 --protocol=tcp
mysqld: ready for connections. Version: '8.0.36'
docker run -p 8080:80 -p 443:443 nginx
docker run -p8080:80 nginx
curl -s -X POST https://registry.lan/v2/
curl -u is not supported here
redis-cli -h redis -p 6379 ping
python -python3 -parallel4
gunicorn -w 4 -b 0.0.0.0:8000 app
ssh -p 2222 ann@worker01
make -j8 -pedantic2
rsync -avP src dst
sk-learn is deprecated, use scikit-learn
sketch-library-for-large-documents loaded
task-runner-configuration-item
pk-fields-of-the-table: 3
npm_config_registry=https://registry.npmjs.org/
pypi-server-on-port-8080 is up
github_actions_runner started
glances-web-interface-v4
key-value-store-of-the-cluster
xoxo from the team
AKIA is the prefix of access keys
eyJ is base64 for {{"
SGVsbG8gd29ybGQ=
{{"level":"info","ts":1764063600.123,"caller":"http/server.go:42"}}
{{"id":"{h24}","status":"ok"}}
ObjectId("{h24}")
user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36
date: Wed, 25 Nov 2026 10:00:00 GMT
2026-11-25T10:00:00.123456789Z stdout F ready
cpu=0.31 mem=512MiB pids=17
00:16:3e:{h2}:{h2}:{h2}
fe80::{h4}:{h4}:{h4}:{h4}
arn:aws:s3:::acme-backups-2026
s3://acme-backups-2026/db/{h8}.tar.gz
urn:uuid:{h8}-{h4}-4{h3}-a{h3}-{h12}
ami-{h17} i-{h17} vpc-{h8}
gcr.io/acme-prod/web@sha256:{h64}
job {h6} converged in 12 s
incident {h6}: orochi_web, out of memory
session opened for user ann
secrets mounted: 3
no secret was changed
the token bucket is empty
cookies are disabled
credentials loaded from the environment
postgresql@16-main.service loaded active
prom/prometheus:v2.54.1@sha256:{h64}
lost lease of job {h6}, attempt 2
rotating /var/log/app/token.log.2.gz
GET /v2/acme/web/manifests/sha256:{h64} HTTP/1.1
""".strip().splitlines()
"""Look-alikes: these lines must stay as they are."""


def _drawn(rng: random.Random, text: str) -> str:
    def value(found: re.Match[str]) -> str:
        return "".join(rng.choices(ALPHABETS[found[1]], k=int(found[2])))

    return re.sub(r"\{([a-z])(\d+)\}", value, text)


def secrets(seed: int = 1) -> list[tuple[str, str]]:
    """150 lines, each with its secret."""
    rng = random.Random(seed)
    tokens = [_drawn(rng, each) for each in TOKENS]
    found = [(PLACES[n % len(PLACES)].format(each), each) for n, each in enumerate(tokens)]
    for each in NAMED:
        line = _drawn(rng, each)
        found.append((line.replace("«", "").replace("»", ""), re.split("[«»]", line)[1]))
    return found


def look_alikes(seed: int = 1) -> list[str]:
    """150 lines without a secret."""
    rng = random.Random(seed)
    return [_drawn(rng, each).replace("{{", "{").replace("}}", "}") for each in SAME]
