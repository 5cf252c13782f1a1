"""Our .proto files describe the same wire format as the published ones."""

import importlib
import pathlib
import subprocess

import pytest
from google.protobuf import descriptor_pb2

PROTOS = pathlib.Path(__file__).resolve().parents[2] / "Protos"
# kafka.proto left the published package together with the consenter.
FILES = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto")
               if path.name != "kafka.proto")


def fields(message, prefix=""):
    """{name: (number, type, type name, label)} of a message and those within it."""
    found = {}
    for field in message.field:
        found[f"{prefix}{message.name}.{field.name}"] = (
            field.number, field.type, field.type_name, field.label)
    for inner in message.nested_type:
        found |= fields(inner, f"{prefix}{message.name}.")
    for enum in message.enum_type:
        found |= {f"{prefix}{message.name}.{enum.name}.{value.name}": value.number
                  for value in enum.value}
    return found


def described(file):
    """Everything in a file that shows on the wire."""
    found = {"package": file.package}
    for message in file.message_type:
        found |= fields(message)
    for enum in file.enum_type:
        found |= {f"{enum.name}.{value.name}": value.number for value in enum.value}
    for service in file.service:
        found |= {f"{service.name}.{method.name}": (
            method.input_type, method.output_type, method.client_streaming,
            method.server_streaming) for method in service.method}
    return found


@pytest.mark.parametrize("name", FILES)
def test_wire_format(name, tmp_path):
    """Packages, names, numbers and types are the same."""
    output = tmp_path / "set"
    subprocess.run(["protoc", f"--proto_path={PROTOS}", f"--descriptor_set_out={output}", name],
                   check=True)
    ours = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file[0]
    module = "fabric_protos." + name.removesuffix(".proto").replace("/", ".") + "_pb2"
    theirs = descriptor_pb2.FileDescriptorProto()
    importlib.import_module(module).DESCRIPTOR.CopyToProto(theirs)
    assert described(ours) == described(theirs)
