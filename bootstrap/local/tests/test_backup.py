"""The patches of AWS Backup: recovery points, locks, settings, tokens, roles and permissions."""

from __future__ import annotations

import unittest

from support import GapTest, Server, code, invoke, make_function, make_role, unique

POLICY = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
CLUSTER = "arn:aws:rds:us-east-1:000000000000:cluster:a"


def a_role(server: Server, service: str = "backup", policy: str = POLICY) -> str:
    """A role of a service."""
    arn = make_role(server, service)
    server.client("iam").attach_role_policy(RoleName=arn.rpartition("/")[2], PolicyArn=policy)
    return arn


def a_plan(server: Server, **given: object) -> str:
    """The id of a plan."""
    rule = {"RuleName": "daily", "TargetBackupVaultName": "Default"}
    plan = {"BackupPlanName": unique("plan"), "Rules": [rule]}
    return server.client("backup").create_backup_plan(BackupPlan=plan, **given)["BackupPlanId"]


class Vaults(GapTest):
    def test_a_vault_goes_after_its_recovery_points(self) -> None:
        def observe(server: Server) -> list:
            client, name = server.client("backup"), unique("vault")
            client.create_backup_vault(BackupVaultName=name)
            role = "arn:aws:iam::000000000000:role/a"
            client.start_backup_job(BackupVaultName=name, ResourceArn=CLUSTER, IamRoleArn=role)
            points = client.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
            seen = [[point["ResourceArn"] for point in points], code(client.delete_backup_vault, BackupVaultName=name)]
            point = points[0]["RecoveryPointArn"] if points else "none"
            delete = lambda: code(client.delete_recovery_point, BackupVaultName=name, RecoveryPointArn=point)
            locked = code(client.put_backup_vault_lock_configuration, BackupVaultName=name), delete()
            unlocked = code(client.delete_backup_vault_lock_configuration, BackupVaultName=name)
            gone = delete(), delete(), code(client.delete_backup_vault, BackupVaultName=name)
            return [*seen, *locked, unlocked, *gone]

        refused, absent = "InvalidRequestException", "ResourceNotFoundException"
        self.check(observe, [[CLUSTER], refused, "ok", refused, "ok", "ok", absent, "ok"])

    def test_an_account_says_what_is_backed_up(self) -> None:
        def observe(server: Server) -> object:
            client = server.client("backup", "eu-west-1")
            code(client.update_region_settings, ResourceTypeOptInPreference={"Aurora": False})
            code(client.update_region_settings, ResourceTypeManagementPreference={"DynamoDB": True})
            settings = client.describe_region_settings()
            return [settings["ResourceTypeOptInPreference"], settings["ResourceTypeManagementPreference"]]

        self.check(observe, [{"Aurora": False}, {"DynamoDB": True}])


class Plans(GapTest):
    def test_a_token_makes_one(self) -> None:
        def observe(server: Server) -> list:
            client, token = server.client("backup"), unique("token")
            one, again = (a_plan(server, CreatorRequestId=token) for _ in range(2))
            other = a_plan(server)
            selection = {"SelectionName": "a", "IamRoleArn": a_role(server), "Resources": [CLUSTER]}
            given = {"BackupPlanId": one, "BackupSelection": selection, "CreatorRequestId": token}
            made = [client.create_backup_selection(**given)["SelectionId"] for _ in range(2)]
            return [one == again, one == other, made[0] == made[1], code(client.delete_backup_plan, BackupPlanId=one)]

        self.check(observe, [True, False, True, "InvalidRequestException"])

    def test_a_role_must_be_backup_s(self) -> None:
        def observe(server: Server) -> list:
            client, plan = server.client("backup"), a_plan(server)
            reading = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
            none = "arn:aws:iam::000000000000:role/none"
            roles = [none, a_role(server, "ec2"), a_role(server, policy=reading)]
            seen = []
            for role in [*roles, a_role(server)]:
                selection = {"SelectionName": "a", "IamRoleArn": role, "Resources": [CLUSTER]}
                seen.append(code(client.create_backup_selection, BackupPlanId=plan, BackupSelection=selection))
            return seen

        wrong = "InvalidParameterValueException"
        self.check(observe, [wrong, wrong, wrong, "ok"])


class Permissions(GapTest):
    def test_policies_know_vaults_and_plans_by_their_tags(self) -> None:
        def observe(server: Server) -> list:
            own = {"Null": {"aws:ResourceTag/stack": "false"}}
            tagged = {"Null": {"aws:RequestTag/stack": "false"}}
            everything = ["backup:CreateBackupVault", "backup:TagResource"]
            creating = {"Effect": "Allow", "Action": everything, "Resource": "*", "Condition": tagged}
            actions = ["backup:DeleteBackupVault", "backup:CreateBackupSelection"]
            changing = {"Effect": "Allow", "Action": actions, "Resource": "arn:aws:backup:*:*:*", "Condition": own}
            function = make_function(server, creating, changing)
            do = lambda operation, **given: invoke(
                server, function, service="backup", region="us-east-1", operation=operation, arguments=given
            )
            mine, other = unique("vault"), unique("vault")
            server.client("backup").create_backup_vault(BackupVaultName=other)
            plan = a_plan(server, BackupPlanTags={"stack": "a"})
            selection = {"SelectionName": "a", "IamRoleArn": a_role(server), "Resources": [CLUSTER]}
            return [
                do("create_backup_vault", BackupVaultName=mine),
                do("create_backup_vault", BackupVaultName=mine, BackupVaultTags={"stack": "a"}),
                do("delete_backup_vault", BackupVaultName=other),
                do("delete_backup_vault", BackupVaultName=mine),
                # It may make selections, and hand over no role.
                do("create_backup_selection", BackupPlanId=plan, BackupSelection=selection),
            ]

        denied = "AccessDeniedException"
        self.check(observe, [denied, "ok", denied, "ok", denied])


if __name__ == "__main__":
    unittest.main()
