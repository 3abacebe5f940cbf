"""The other doors: mailboxes for MESH, and SSH keys for inboxes."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from gateway.administration.office import Office, party_of, refused
from gateway.administration.orders import AddMailbox, AddSshKey, RevokeSshKey
from gateway.core import ssh_key
from gateway.core.canonical import b64u
from gateway.core.mesh_token import MailboxSecret

_MAILBOX: Final = re.compile(r"[A-Z][A-Z0-9]{2,49}")


async def add_mailbox(order: AddMailbox, office: Office) -> dict[str, Any]:
    """Give an organisation a mailbox; the answer alone has its secrets."""
    if party_of(order.organisation, office).kind != "organisation":
        raise refused("Only organisations have mailboxes; a consumer reads its feed.")
    if not _MAILBOX.fullmatch(order.id):
        raise refused("A mailbox id is 3 to 50 of A-Z and 0-9, and starts with a letter.")
    if any(box["id"] == order.id for box in office.mailboxes.mailboxes()):
        raise refused("There is, or was, a mailbox with this id; choose another.")
    secret = MailboxSecret.fresh(office.entropy)
    sealed = secret.seal(order.id, office.vault, office.entropy)
    await office.mailboxes.add_mailbox(order.id, order.organisation, *sealed)
    return {
        "id": order.id,
        "organisation": order.organisation,
        "password": secret.password,
        "shared_key": secret.shared_key,
    }


async def remove_mailbox(identity: str, office: Office) -> dict[str, Any]:
    """Let nobody into a mailbox any more; doing it twice changes nothing."""
    found = [box for box in office.mailboxes.mailboxes() if box["id"] == identity]
    if not found:
        raise refused("There is no mailbox with this id; 'mailbox list' names them.")
    if found[0]["removed"] is None:
        await office.mailboxes.remove_mailbox(identity)
    return {"id": identity, "organisation": found[0]["organisation"], "removed": True}


async def add_ssh_key(order: AddSshKey, office: Office) -> dict[str, Any]:
    """Let an organisation reach its inbox with an SSH key."""
    if party_of(order.party, office).kind != "organisation":
        raise refused("Only an organisation has an inbox; a consumer has no use for an SSH key.")
    try:
        kind, blob = ssh_key.read(order.key)
    except ssh_key.SshKeyError as error:
        raise refused(f"The SSH key cannot be used: {error}.") from error
    thumbprint = b64u(hashlib.sha256(blob).digest())
    for key in office.registry.ssh_keys.of():
        if key["thumbprint"] == thumbprint:
            raise refused(f"This SSH key is, or was, registered for {key['party']} already.")
    await office.registry.ssh_keys.add(order.party, thumbprint, blob)
    return {"party": order.party, "thumbprint": thumbprint, "kind": kind}


async def revoke_ssh_key(order: RevokeSshKey, office: Office) -> dict[str, Any]:
    """Let nobody in with an SSH key any more; doing it twice changes nothing."""
    party_of(order.party, office)
    found = [
        key
        for key in office.registry.ssh_keys.of(order.party)
        if key["thumbprint"] == order.thumbprint
    ]
    if not found:
        raise refused(f"{order.party} has no SSH key with this thumbprint.")
    if found[0]["revoked"] is None:
        await office.registry.ssh_keys.revoke(order.thumbprint)
    return {"party": order.party, "thumbprint": order.thumbprint, "revoked": True}
