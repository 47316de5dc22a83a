"""The versions of PostgreSQL that RDS offers: the recent minors of each major, and no others.

AWS (RDS User Guide, "Available PostgreSQL database versions", "Upgrades of the RDS for PostgreSQL DB engine";
DescribeDBEngineVersions): minors are added and retired, 15.4 for instance is gone; asking for a major lists its minors;
a version that is not offered is refused, and so is going back, or to another major without AllowMajorVersionUpgrade.
MiniStack lists one old minor for each major, knows no family names, and takes any version.
"""

from __future__ import annotations

from ministack.services import rds

from outrigger_local.call import Answer, Call, Proceed
from outrigger_local.errors import error
from outrigger_local.hooks import Hooks, answer_of, with_parameters

POSTGRES_VERSIONS = (
    "13.20", "13.21", "13.22", "13.23",
    "14.12", "14.13", "14.15", "14.17", "14.18", "14.19", "14.20",
    "15.7", "15.8", "15.10", "15.12", "15.13", "15.14", "15.15",
    "16.3", "16.4", "16.6", "16.8", "16.9", "16.10", "16.11",
    "17.2", "17.4", "17.5", "17.6", "17.7",
    "18.1",
)  # fmt: skip
_DEFAULT_MAJOR = "17"


def install(hooks: Hooks) -> None:
    """Puts the list in place, and the check around the creation."""
    hooks.around("rds", "DescribeDBEngineVersions")(_described)
    hooks.around("rds", "CreateDBInstance", "ModifyDBInstance")(_checked)


def _of_major(major: str) -> list[str]:
    return [version for version in POSTGRES_VERSIONS if version.partition(".")[0] == major]


async def _described(call: Call, proceed: Proceed) -> Answer:
    if call.parameters.get("Engine") != "postgres":
        return await proceed(call)
    wanted = call.parameters.get("EngineVersion", "")
    versions = [version for version in POSTGRES_VERSIONS if wanted in ("", version, version.partition(".")[0])]
    family = call.parameters.get("DBParameterGroupFamily")
    if family:
        versions = [version for version in versions if f"postgres{version.partition('.')[0]}" == family]
    if call.parameters.get("DefaultOnly") == "true":
        versions = [version for version in versions if wanted or family or version.startswith(f"{_DEFAULT_MAJOR}.")][
            -1:
        ]
    listed = "".join(map(_xml, versions))
    result = "DescribeDBEngineVersionsResult"
    body = f"<{result}><DBEngineVersions>{listed}</DBEngineVersions></{result}>"
    return answer_of(rds._xml(200, "DescribeDBEngineVersionsResponse", body))


def _xml(version: str) -> str:
    major = version.partition(".")[0]
    targets = "".join(
        f"<UpgradeTarget><Engine>postgres</Engine><EngineVersion>{target}</EngineVersion>"
        f"<Description>PostgreSQL {target}-R1</Description><AutoUpgrade>false</AutoUpgrade>"
        f"<IsMajorVersionUpgrade>{str(target.partition('.')[0] != major).lower()}</IsMajorVersionUpgrade>"
        "</UpgradeTarget>"
        for target in POSTGRES_VERSIONS[POSTGRES_VERSIONS.index(version) + 1 :]
    )
    return (
        f"<DBEngineVersion><Engine>postgres</Engine><EngineVersion>{version}</EngineVersion>"
        f"<MajorEngineVersion>{major}</MajorEngineVersion>"
        f"<DBParameterGroupFamily>postgres{major}</DBParameterGroupFamily>"
        "<DBEngineDescription>PostgreSQL</DBEngineDescription>"
        f"<DBEngineVersionDescription>PostgreSQL {version}-R1</DBEngineVersionDescription>"
        f"<ValidUpgradeTarget>{targets}</ValidUpgradeTarget>"
        "<ExportableLogTypes><member>postgresql</member><member>upgrade</member></ExportableLogTypes>"
        "<SupportsLogExportsToCloudwatchLogs>true</SupportsLogExportsToCloudwatchLogs>"
        "<SupportsReadReplica>true</SupportsReadReplica><SupportedFeatureNames/><Status>available</Status>"
        "<SupportsParallelQuery>false</SupportsParallelQuery><SupportsGlobalDatabases>false</SupportsGlobalDatabases>"
        "</DBEngineVersion>"
    )


def _refused_change(call: Call, current: str, version: str) -> Answer | None:
    before, after = (tuple(map(int, text.split("."))) for text in (current, version))
    if after < before:
        message = f"Cannot upgrade postgres from {current} to {version}"
        return error(call, "InvalidParameterCombination", message, 400)
    if after[0] != before[0] and call.parameters.get("AllowMajorVersionUpgrade") != "true":
        message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        return error(call, "InvalidParameterCombination", message, 400)
    return None


async def _checked(call: Call, proceed: Proceed) -> Answer:
    engine, current = call.parameters.get("Engine"), None
    if call.operation == "ModifyDBInstance":
        instance = rds._instances.get(call.parameters.get("DBInstanceIdentifier", "")) or {}
        engine, current = instance.get("Engine"), instance.get("EngineVersion")
    version = call.parameters.get("EngineVersion", "")
    if engine != "postgres" or (call.operation == "ModifyDBInstance" and not version):
        return await proceed(call)
    if not version or version.isdigit():
        minors = _of_major(version or _DEFAULT_MAJOR)
        if minors:
            version = minors[-1]
            call = with_parameters(call, EngineVersion=version)
    if version not in POSTGRES_VERSIONS:
        return error(call, "InvalidParameterCombination", f"Cannot find version {version} for postgres", 400)
    return (current and _refused_change(call, current, version)) or await proceed(call)
