"""Fabric's block files as bytes: where their records are, and what may happen to their ends."""

import hashlib
import pathlib

from fabric_protos.common import common_pb2


def varint(data, offset):
    """(value, offset behind it), or None if the data ends before."""
    value, shift = 0, 0
    while offset < len(data) and shift < 64:
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
        shift += 7
    return None


def encode_varint(value):
    """A protobuf varint."""
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(result) + bytes([value])


def record_ends(data):
    """Offsets at which whole records end, in order, for the blocks of one file."""
    ends, offset = [], 0
    while (prefix := varint(data, offset)) and prefix[1] + prefix[0] <= len(data):
        offset = prefix[1] + prefix[0]
        ends.append(offset)
    return ends


class Place:
    """The end of a channel's first so many blocks in its files; moves forward only."""

    def __init__(self, ledger, channel):
        self.folder = pathlib.Path(ledger) / "chains" / channel
        self.file = self.offset = self.height = 0

    @property
    def path(self):
        """The file that it is in."""
        return self.folder / f"blockfile_{self.file:06}"

    def advance(self, height):
        """Move behind block `height - 1`; False if the files do not have the blocks up to it."""
        while self.height < height:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read()
            before, begin = self.height, 0
            for end in record_ends(data)[:height - self.height]:
                number, _ = varint(data, varint(data, begin)[1])
                if number != self.height:
                    return False
                self.height, begin = self.height + 1, end
            self.offset += begin
            if self.height < height:
                following = self.folder / f"blockfile_{self.file + 1:06}"
                if not following.exists():
                    return False
                self.file, self.offset = self.file + 1, 0
            elif self.height == before:
                return False
        return True


def record(block):
    """A block as a record of a block file."""
    def content(data):
        return encode_varint(len(data)) + data
    entries = [encode_varint(block.header.number), content(block.header.data_hash),
               content(block.header.previous_hash)]
    for items in (block.data.data, block.metadata.metadata):
        entries.append(encode_varint(len(items)))
        entries += [content(item) for item in items]
    return content(b"".join(entries))


def header_hash(header):
    """SHA-256 of the ASN.1 form of a block header."""
    def element(tag, content):
        assert len(content) < 128
        return bytes([tag, len(content)]) + content
    number = header.number.to_bytes((header.number.bit_length() // 8) + 1, "big")
    content = (element(2, number) + element(4, header.previous_hash)
               + element(4, header.data_hash))
    return hashlib.sha256(element(0x30, content)).digest()


def check_chain(blocks, previous=b"", first=0):
    """Check numbers, hash chain and data hashes; the hash that the next block must name."""
    for number, block in enumerate(blocks, first):
        assert block.header.number == number
        assert block.header.previous_hash == previous, f"block {number} is not linked"
        assert block.header.data_hash == hashlib.sha256(b"".join(block.data.data)).digest()
        previous = header_hash(block.header)
    return previous


def newest_file(ledger, channel):
    """The block file that is appended to."""
    return sorted((pathlib.Path(ledger) / "chains" / channel).glob("blockfile_*"))[-1]


def make_block(number, previous, data, metadata=()):
    """An unsigned block."""
    block = common_pb2.Block()
    block.header.number = number
    block.header.previous_hash = previous
    block.header.data_hash = hashlib.sha256(b"".join(data)).digest()
    block.data.data.extend(data)
    block.metadata.metadata.extend(metadata)
    return block
