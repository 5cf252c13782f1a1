"""Changes of a channel's configuration, as an administrator makes them."""

import os

from fabric_protos.common import common_pb2, configtx_pb2
from harness import envelope, orderer_admin


def payload_of(message):
    """The payload of a serialized envelope."""
    return common_pb2.Payload.FromString(common_pb2.Envelope.FromString(message).payload)


def last_config(block):
    """The number of the config block that was in force with a block."""
    if block.header.number == 0:
        return 0
    signed = common_pb2.Metadata.FromString(block.metadata.metadata[0]).value
    return common_pb2.OrdererBlockMetadata.FromString(signed).last_config.index


def config_block(orderer, channel, user=None):
    """The newest config block of a channel."""
    user = user or orderer_admin()
    newest = orderer.deliver(channel, user, None, None)[0][0]
    number = last_config(newest)
    return orderer.deliver(channel, user, number, number)[0][0]


def config_of(block):
    """The configuration in a config block."""
    return configtx_pb2.ConfigEnvelope.FromString(payload_of(block.data.data[0]).data).config


def _difference(old, new, reads, writes):
    """Fill in what an update from one group to another reads and writes; whether there is anything."""
    found = False
    for group in (reads, writes):
        group.version = old.version
    for name, value in new.values.items():
        if name not in old.values or old.values[name].value != value.value:
            writes.values[name].CopyFrom(value)
            if name in old.values:
                writes.values[name].version = old.values[name].version + 1
            else:
                writes.version = old.version + 1
            found = True
    for name, group in new.groups.items():
        inner = (type(reads)(), type(writes)())
        if _difference(old.groups[name], group, *inner):
            reads.groups[name].CopyFrom(inner[0])
            writes.groups[name].CopyFrom(inner[1])
            found = True
    return found


def difference(channel, old, change):
    """The update of a configuration by `change(root group)`, which changes or adds values."""
    new = configtx_pb2.Config()
    new.CopyFrom(old)
    change(new.channel_group)
    update = configtx_pb2.ConfigUpdate(channel_id=channel)
    _difference(old.channel_group, new.channel_group, update.read_set, update.write_set)
    return update


def signed(update, signers=None, sender=None):
    """The message that brings an update, signed by administrators (the orderers' by default)."""
    signers = [orderer_admin()] if signers is None else signers
    whole = configtx_pb2.ConfigUpdateEnvelope(config_update=update.SerializeToString())
    for signer in signers:
        header = common_pb2.SignatureHeader(
            creator=signer.creator, nonce=os.urandom(24)).SerializeToString()
        whole.signatures.add(signature_header=header,
                             signature=signer.sign(header + whole.config_update))
    sender = sender or (signers or [orderer_admin()])[0]
    return envelope(update.channel_id, sender, whole.SerializeToString(), common_pb2.CONFIG_UPDATE)


def change_value(group, name, kind, change):
    """Change one value of a group."""
    value = kind.FromString(group.values[name].value)
    change(value)
    group.values[name].value = value.SerializeToString()
