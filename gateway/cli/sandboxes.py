"""`sandbox`: a gateway to practise on, and the conformance run that ends in a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certs import private_files
from gateway.cli import house, rehearsing, screen
from gateway.cli.command import (
    EXISTING,
    FOLDER,
    Command,
    Group,
    as_json,
    profile_option,
    program,
)
from gateway.cli.exits import Exit, run, told
from gateway.client import profile as profiles
from gateway.client.profile import Profile
from gateway.client.sandbox import Sandbox
from gateway.edge import logs
from gateway.sandbox import serving
from gateway.sandbox.faults import NAMES
from gateway.wiring import until_stopped

_KEPT: Final = "sandbox-secret"
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@click.group(cls=Group, example="cms-gateway sandbox serve practice")
def sandbox() -> None:
    """A real gateway with made-up parties, a clock that can be moved, faults, and a verdict."""


@sandbox.command(
    cls=Command, example="cms-gateway sandbox serve practice --seed 7", exits=(Exit.UNAVAILABLE,)
)
@click.argument("directory", type=FOLDER)
@click.option("--port", type=click.IntRange(1, 65_535), default=8444, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the made-up people.")
def serve(directory: Path, port: int, seed: int) -> None:
    """Serve a sandbox in DIRECTORY, made if it is new. It remembers: time, parties, what it saw."""
    with told():
        config = directory / "config.toml"
        if not config.exists():
            house.create(directory, port=port, origin=serving.ORIGIN)
    run(_serve(config, directory / "pki", seed))


async def _serve(config: Path, pki: Path, seed: int) -> None:
    logs.configure(level="warning")
    async with serving.opened(config, pki, seed) as gateway:
        url = f"https://localhost:{gateway.port}"
        screen.say(
            f"A sandbox serves on {url}. Nothing that is sent to it reaches anybody. To practise:\n\n"
            f"  {program()} sandbox join {url} --id my-company --class employer \\\n"
            f"      --ca {pki / 'server-ca.pem'} --directory my-company\n"
            f"  {program()} sandbox conformance --profile my-company/profile.toml\n"
        )
        await until_stopped(gateway)


@sandbox.command(
    cls=Command,
    example="cms-gateway sandbox join https://localhost:8444 --id my-company --class employer \\\n"
    "    --ca practice/pki/server-ca.pem --directory my-company",
    speaks=True,
)
@click.argument("url")
@click.option("--id", "identity", required=True, help="Your id here; 1 to 63 of a-z, 0-9, . _ -")
@click.option("--class", "classes", multiple=True, required=True, help="Provider class to be.")
@click.option("--ca", type=EXISTING, help="Authority of the sandbox's own certificate.")
@click.option("--directory", type=FOLDER, required=True, help="Where keys and profile are put.")
@as_json
def join(
    url: str,
    identity: str,
    classes: tuple[str, ...],
    ca: Path | None,
    directory: Path,
    *,
    as_json: bool,
) -> None:
    """Become a made-up organisation at the sandbox of URL; keys never leave this machine."""
    with told():
        client_key, jwk = house.client_key(directory)
        csr = _signing_request(directory / "certificate.key", identity)

    async def work() -> tuple[dict[str, Any], str]:
        async with Sandbox(Profile(url=url, issuer=url, ca=ca)) as there:
            return await there.join(identity, classes, csr, jwk), (await there.show())["vkey"]

    joined, vkey = run(work())
    with told():
        private_files.write_new(directory / "certificate.pem", joined["certificate"].encode())
        private_files.write_new(directory / _KEPT, joined["secret"].encode())
        if ca is not None:
            private_files.write_new(directory / "server-ca.pem", ca.read_bytes())
        profile = Profile(
            url=url,
            issuer=joined["issuer"],
            ca=directory / "server-ca.pem" if ca is not None else None,
            certificate=directory / "certificate.pem",
            key=directory / "certificate.key",
            client=joined["client"],
            client_key=client_key,
            kid=jwk["kid"],
            vkey=vkey,
            state=directory / "uploads",
        )
        path = house.write_profile(directory, profile)
    if as_json:
        screen.emit({"profile": str(path), "client": joined["client"]})
        return
    screen.say(f"Joined as {identity}. Send with --profile:")
    click.echo(path)


@sandbox.command(
    cls=Command, example="cms-gateway sandbox renew --profile me/profile.toml", speaks=True
)
@profile_option
@as_json
def renew(profile: Path, *, as_json: bool) -> None:
    """Get another certificate, for when time was moved past the end of the old one."""
    with told():
        here = profiles.load(profile)
        directory = profile.parent
        party = here.client.removesuffix("-client")
        secret = (directory / _KEPT).read_text(encoding="ascii")
        key = directory / "certificate.key"
        csr = _signing_request(key.with_suffix(".new"), party)
    anonymous = Profile(url=here.url, issuer=here.issuer, ca=here.ca)

    async def work() -> str:
        async with Sandbox(anonymous) as there:
            return await there.renew(party, csr, secret)

    certificate = run(work())
    with told():
        private_files.replace(directory / "certificate.pem", certificate.encode())
        key.with_suffix(".new").replace(key)
    if as_json:
        screen.emit({"certificate": str(directory / "certificate.pem")})
    else:
        screen.say(f"Replaced {directory / 'certificate.pem'} and its key.")


@sandbox.command(
    cls=Command, example="cms-gateway sandbox clock 20d --profile me/profile.toml", speaks=True
)
@click.argument("forward")
@profile_option
@as_json
def clock(forward: str, profile: Path, *, as_json: bool) -> None:
    """Move the sandbox's time FORWARD, as in 90m, 20d or 3w; it never goes back."""
    number, unit = forward[:-1], forward[-1:]
    if not number.isdigit() or unit not in _UNITS:
        raise click.BadParameter("Write a number and s, m, h, d or w, as in 20d.")
    now = _ask(profile, lambda there: there.move(int(number) * _UNITS[unit]))
    screen.emit({"now": now}) if as_json else screen.say(f"In the sandbox it is {now}.")


@sandbox.command(
    cls=Command, example="cms-gateway sandbox fault dropped --profile me/profile.toml", speaks=True
)
@click.argument("name", type=click.Choice(NAMES))
@click.option("--times", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option("--seconds", type=click.IntRange(1, 60), default=5, show_default=True)
@profile_option
@as_json
def fault(name: str, times: int, seconds: int, profile: Path, *, as_json: bool) -> None:
    """Have your next calls meet a fault, and see what your software makes of it."""
    waiting = _ask(profile, lambda there: there.fault(name, times, seconds))
    if as_json:
        screen.emit({"waiting": waiting})
    else:
        screen.say(f"{screen.counted(waiting, 'fault')} will befall your next calls.")


@sandbox.command(
    cls=Command, example="cms-gateway sandbox ask --profile me/profile.toml", speaks=True
)
@click.option("--purpose", default="IDENTIFY_TRACE", show_default=True, help="Purpose in law.")
@click.option("--record-type", "types", multiple=True, help="What is asked for; all without.")
@profile_option
@as_json
def ask(purpose: str, types: tuple[str, ...], profile: Path, *, as_json: bool) -> None:
    """Have an information request about a made-up person sent to you."""
    request = _ask(profile, lambda there: there.ask(purpose, types))
    if as_json:
        screen.emit(request)
        return
    screen.say(f"Asked for {', '.join(request['record_types'])}, by {request['due']}:")
    click.echo(request["id"])


@sandbox.command(
    cls=Command,
    example="cms-gateway sandbox conformance --profile me/profile.toml\n"
    "cms-gateway sandbox conformance --profile me/profile.toml --certificate conformance.jws",
    exits=(Exit.PARTIAL,),
    speaks=True,
)
@click.option("--certificate", type=FOLDER, help="Where to keep the verdict, if all was seen.")
@profile_option
@as_json
@click.pass_context
def conformance(
    context: click.Context, certificate: Path | None, profile: Path, *, as_json: bool
) -> None:
    """Show which steps your software was seen doing; with all of them, get the certificate."""
    verdict = _ask(profile, lambda there: there.verdict())
    if as_json:
        screen.emit(verdict)
    else:
        screen.rows(
            ("step", "seen", "what"),
            [(s["step"], s["passed"] or "-", s["what"]) for s in verdict["steps"]],
        )
    if certificate is not None and not verdict["missing"]:
        text = _ask(profile, lambda there: there.certificate())
        with told():
            private_files.write_new(certificate, text.encode())
        screen.say(f"The certificate is in {certificate}; give it to whoever lets you in.")
    context.exit(int(Exit.PARTIAL if verdict["missing"] else Exit.OK))


@sandbox.command(
    cls=Command,
    example="cms-gateway sandbox rehearse --profile me/profile.toml schedule.csv mistaken.csv",
    speaks=True,
)
@click.argument("good", type=EXISTING)
@click.argument("mistaken", type=EXISTING)
@click.option("--purpose", default="COLLECT_ENFORCE", show_default=True, help="Of what is asked.")
@profile_option
@as_json
def rehearse(good: Path, mistaken: Path, purpose: str, profile: Path, *, as_json: bool) -> None:
    """Go through every step with this client: with a GOOD file, and it with a MISTAKEN row."""
    missing = run(rehearsing.rehearse(profile, good, mistaken, purpose))
    if as_json:
        screen.emit({"missing": missing})
    else:
        screen.say("Every step was seen." if not missing else f"Not seen: {', '.join(missing)}.")


def _ask(profile: Path, question: Any) -> Any:
    async def work() -> Any:
        async with Sandbox(profiles.load(profile)) as there:
            return await question(there)

    return run(work())


def _signing_request(path: Path, party: str) -> str:
    """A new key in a file, and the request for its certificate (RFC 2986)."""
    key = ec.generate_private_key(ec.SECP256R1())
    private_files.write_new(
        path,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, party)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()
