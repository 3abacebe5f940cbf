"""THE OFFICE: what an operator changes about who may speak, each change a ledger entry.

    1 check          the order makes sense: known classes, a certificate that is one, usable keys
    2 look           nothing is added twice, nothing is withdrawn that is not there
    3 enter          durable, with its ledger entry

An order is a value. The command line carries it out on a store of its own, or hands it to the
gateway that owns the store (`gateway.edge.http.admin`); either way it is carried out here.

If an attacker controls this module they can let anybody in; every party, certificate and client
they add still stands in the ledger.
"""

from __future__ import annotations

from typing import Any

from gateway.administration.certificates import add_certificate, revoke_certificate
from gateway.administration.correspondents import (
    agree,
    end_agreement,
    listed,
    prefer,
    put,
)
from gateway.administration.correspondents import show as show_correspondent
from gateway.administration.doors import (
    add_mailbox,
    add_ssh_key,
    remove_mailbox,
    revoke_ssh_key,
)
from gateway.administration.office import Office
from gateway.administration.orders import (
    AddCertificate,
    AddClient,
    AddMailbox,
    AddParty,
    AddSshKey,
    AddSubscription,
    Agree,
    ChangeSubscription,
    EndAgreement,
    ListCorrespondents,
    ListMailboxes,
    ListParties,
    ListSubscriptions,
    Order,
    Prefer,
    PutCorrespondent,
    RemoveMailbox,
    ReplaySubscription,
    RevokeCertificate,
    RevokeSshKey,
    RewindSubscription,
    ShowCorrespondent,
    ShowParty,
    ShowSubscription,
    SteerSubscription,
)
from gateway.administration.parties import add_client, add_party, parties, show
from gateway.administration.subscriptions import (
    add_subscription,
    change_subscription,
    every_subscription,
    replay_subscription,
    rewind_subscription,
    show_subscription,
    steer_subscription,
)


async def carry_out(order: Order, office: Office) -> dict[str, Any]:
    """Carry out one order; what there is to say about it, as JSON can hold it. Raises Refused."""
    async with office.turn:
        match order:
            case AddParty():
                return await add_party(order, office)
            case AddCertificate():
                return await add_certificate(order, office)
            case RevokeCertificate():
                return await revoke_certificate(order, office)
            case AddClient():
                return await add_client(order, office)
            case AddMailbox():
                return await add_mailbox(order, office)
            case RemoveMailbox(id=identity):
                return await remove_mailbox(identity, office)
            case ListMailboxes():
                return {"mailboxes": office.mailboxes.mailboxes()}
            case AddSshKey():
                return await add_ssh_key(order, office)
            case RevokeSshKey():
                return await revoke_ssh_key(order, office)
            case ListParties(kind=kind):
                kinds = ("organisation", "consumer") if kind is None else (kind,)
                return {"parties": [p for each in kinds for p in parties(each, office)]}
            case ShowParty(id=identity):
                return show(identity, office)
            case PutCorrespondent():
                return await put(order, office)
            case Agree():
                return await agree(order, office)
            case EndAgreement(id=identity, until=until):
                return await end_agreement(identity, until, office)
            case Prefer():
                return await prefer(order, office)
            case ShowCorrespondent(id=identity):
                return await show_correspondent(identity, office)
            case ListCorrespondents(after=after):
                return {"correspondents": listed(after, office)}
            case AddSubscription():
                return await add_subscription(order, office)
            case ChangeSubscription():
                return await change_subscription(order, office)
            case SteerSubscription():
                return await steer_subscription(order, office)
            case RewindSubscription():
                return await rewind_subscription(order, office)
            case ReplaySubscription():
                return await replay_subscription(order, office)
            case ShowSubscription(id=identity):
                return show_subscription(identity, office)
            case ListSubscriptions(consumer=consumer):
                return {"subscriptions": every_subscription(consumer, office)}
