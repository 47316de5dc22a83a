"""The patch of Parameter Store: values and types that are not possible, and tags of what is not there."""

from __future__ import annotations

import unittest

from support import GapTest, Server, code, unique


class Parameters(GapTest):
    def test_values_that_are_not_possible_are_refused(self) -> None:
        def observe(server: Server) -> list:
            client, name = server.client("ssm"), f"/{unique('a')}/b"
            put = lambda **given: code(client.put_parameter, **{"Name": name, "Type": "String", **given})
            return [
                put(Value=""),
                put(Value="see {{other}}"),
                put(Value="a" * 4097),
                put(Value="a" * 4097, Tier="Advanced"),
                put(Value="a", Overwrite=True, Type="SecureString"),
                put(Value="a" * 4097, Overwrite=True),
            ]

        wrong = "ValidationException"
        self.check(observe, [wrong, wrong, wrong, "ok", "HierarchyTypeMismatchException", "ok"])

    def test_what_is_not_there_has_no_tags(self) -> None:
        def observe(server: Server) -> list:
            client, name = server.client("ssm"), f"/{unique('a')}/b"
            tags = {"ResourceType": "Parameter", "ResourceId": name}
            before = code(client.list_tags_for_resource, **tags)
            put = code(client.add_tags_to_resource, **tags, Tags=[{"Key": "a", "Value": "b"}])
            client.put_parameter(Name=name, Value="a", Type="String")
            return [before, put, code(client.remove_tags_from_resource, **tags, TagKeys=["a"])]

        self.check(observe, ["InvalidResourceId", "InvalidResourceId", "ok"])


if __name__ == "__main__":
    unittest.main()
