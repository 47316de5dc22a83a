"""What RDS says of PostgreSQL's parameters: a realistic part of DescribeEngineDefaultParameters.

Source: RDS User Guide, "Working with parameters on your RDS for PostgreSQL DB instance". Values in braces are formulas
over the instance class.
"""

from __future__ import annotations

from dataclasses import dataclass

FAMILIES = tuple(f"postgres{major}" for major in (13, 14, 15, 16, 17, 18))
_LARGEST = "2147483647"
_LIBRARIES = (
    "auto_explain,orafce,pgaudit,pglogical,pg_bigm,pg_cron,pg_hint_plan,pg_prewarm,pg_similarity,"
    "pg_stat_statements,pg_tle,pg_transport,plprofiler"
)
_LEVELS = "debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic"


@dataclass(frozen=True)
class Parameter:
    """One parameter; ``since`` is the first major that has it."""

    name: str
    value: str
    apply_type: str
    data_type: str
    allowed: str
    modifiable: bool = True
    since: int = 13

    def allows(self, value: str) -> bool:
        """Whether a value is within what is allowed; formulas always are."""
        if "{" in value or not self.allowed:
            return True
        if self.data_type in ("integer", "float"):
            lowest, _, highest = self.allowed.rpartition("-")
            try:
                return float(lowest) <= float(int(value) if self.data_type == "integer" else value) <= float(highest)
            except ValueError:
                return False
        given = [part.strip() for part in value.split(",")] if self.data_type == "list" else [value]
        return set(given) <= set(self.allowed.split(","))


def _dynamic(name: str, value: str, data_type: str, allowed: str = "", **options) -> Parameter:
    return Parameter(name, value, "dynamic", data_type, allowed, **options)


def _static(name: str, value: str, data_type: str, allowed: str = "", **options) -> Parameter:
    return Parameter(name, value, "static", data_type, allowed, **options)


_PARAMETERS = (
    _dynamic("application_name", "", "string"),
    _dynamic("autovacuum", "1", "boolean", "0,1"),
    _dynamic("autovacuum_analyze_scale_factor", "0.05", "float", "0-100"),
    _static("autovacuum_max_workers", "GREATEST({DBInstanceClassMemory/64371566592},3)", "integer", "1-262143"),
    _dynamic("autovacuum_naptime", "15", "integer", "1-2147483"),
    _dynamic("autovacuum_vacuum_cost_limit", "200", "integer", "-1-10000"),
    _dynamic("autovacuum_vacuum_scale_factor", "0.1", "float", "0-100"),
    _dynamic("checkpoint_completion_target", "0.9", "float", "0-1"),
    _dynamic("checkpoint_timeout", "", "integer", "30-3600"),
    _dynamic("client_encoding", "", "string"),
    _static("data_directory", "/rdsdbdata/db", "string", modifiable=False),
    _dynamic("deadlock_timeout", "", "integer", f"1-{_LARGEST}"),
    _dynamic("default_statistics_target", "", "integer", "1-10000"),
    _dynamic("effective_cache_size", "{DBInstanceClassMemory/16384}", "integer", f"1-{_LARGEST}"),
    _dynamic("effective_io_concurrency", "", "integer", "0-1000"),
    _static("fsync", "1", "boolean", "0,1", modifiable=False),
    _static("huge_pages", "on", "string", "off,on,try"),
    _dynamic("idle_in_transaction_session_timeout", "86400000", "integer", f"0-{_LARGEST}"),
    _dynamic("idle_session_timeout", "", "integer", f"0-{_LARGEST}", since=14),
    _dynamic("jit", "", "boolean", "0,1"),
    _static("listen_addresses", "*", "string", modifiable=False),
    _dynamic("lock_timeout", "", "integer", f"0-{_LARGEST}"),
    _dynamic("log_autovacuum_min_duration", "10000", "integer", f"-1-{_LARGEST}"),
    _dynamic("log_checkpoints", "1", "boolean", "0,1"),
    _dynamic("log_connections", "", "boolean", "0,1"),
    _dynamic("log_disconnections", "", "boolean", "0,1"),
    _dynamic("log_duration", "", "boolean", "0,1"),
    _dynamic("log_error_verbosity", "", "string", "default,terse,verbose"),
    _dynamic("log_lock_waits", "", "boolean", "0,1"),
    _dynamic("log_min_duration_statement", "", "integer", f"-1-{_LARGEST}"),
    _dynamic("log_min_error_statement", "", "string", _LEVELS),
    _dynamic("log_min_messages", "", "string", _LEVELS),
    _dynamic("log_statement", "", "string", "none,ddl,mod,all"),
    _dynamic("log_temp_files", "", "integer", f"-1-{_LARGEST}"),
    _dynamic("maintenance_work_mem", "{DBInstanceClassMemory*1024/63963136}", "integer", f"1024-{_LARGEST}"),
    _static("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)", "integer", "6-262143"),
    _static("max_locks_per_transaction", "64", "integer", f"10-{_LARGEST}"),
    _static("max_logical_replication_workers", "", "integer", "0-262143"),
    _dynamic("max_parallel_workers", "GREATEST(${DBInstanceVCPU/2},8)", "integer", "0-1024"),
    _dynamic("max_parallel_workers_per_gather", "", "integer", "0-1024"),
    _static("max_prepared_transactions", "0", "integer", "0-262143"),
    _static("max_replication_slots", "20", "integer", "5-262143"),
    _static("max_wal_senders", "20", "integer", "5-262143"),
    _dynamic("max_wal_size", "2048", "integer", "128-201326592"),
    _static("max_worker_processes", "GREATEST(${DBInstanceVCPU*2},8)", "integer", "0-262143"),
    _dynamic("min_wal_size", "192", "integer", "128-201326592"),
    _dynamic("password_encryption", "scram-sha-256", "string", "md5,scram-sha-256"),
    _static("pg_stat_statements.max", "5000", "integer", f"100-{_LARGEST}"),
    _dynamic("pg_stat_statements.track", "", "string", "none,top,all"),
    _dynamic("pgaudit.log", "", "list", "all,ddl,function,misc,none,read,role,write,misc_set"),
    _dynamic("random_page_cost", "", "float", "0-1.79769e+308"),
    _dynamic("rds.adaptive_autovacuum", "1", "boolean", "0,1"),
    _dynamic("rds.force_ssl", "1", "boolean", "0,1"),
    _dynamic("rds.log_retention_period", "4320", "integer", "1440-10080"),
    _static("rds.logical_replication", "0", "boolean", "0,1"),
    _static("rds.restrict_password_commands", "", "boolean", "0,1"),
    _dynamic("search_path", "", "string"),
    _dynamic("seq_page_cost", "", "float", "0-1.79769e+308"),
    _static("shared_buffers", "{DBInstanceClassMemory/32768}", "integer", "16-1073741823"),
    _static("shared_preload_libraries", "pg_stat_statements", "list", _LIBRARIES),
    _dynamic("ssl_min_protocol_version", "TLSv1.2", "string", "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3"),
    _dynamic("statement_timeout", "", "integer", f"0-{_LARGEST}"),
    _dynamic("synchronous_commit", "on", "string", "local,on,off"),
    _dynamic("tcp_keepalives_idle", "300", "integer", f"0-{_LARGEST}"),
    _dynamic("temp_buffers", "", "integer", "100-1073741823"),
    _dynamic("timezone", "UTC", "string"),
    _static("track_activity_query_size", "4096", "integer", "100-102400"),
    _dynamic("track_io_timing", "1", "boolean", "0,1"),
    _dynamic("vacuum_cost_limit", "", "integer", "1-10000"),
    _static("wal_buffers", "", "integer", "-1-262143"),
    _dynamic("wal_keep_size", "2048", "integer", f"0-{_LARGEST}"),
    _static("wal_level", "replica", "string", "minimal,replica,logical", modifiable=False),
    _dynamic("wal_sender_timeout", "", "integer", "0-3600000"),
    _dynamic("work_mem", "", "integer", f"64-{_LARGEST}"),
)  # fmt: skip


def of_family(family: str) -> dict[str, Parameter]:
    """The parameters of a family by name; before PostgreSQL 15, TLS is not forced by default."""
    major = int(family.removeprefix("postgres"))
    held = {parameter.name: parameter for parameter in _PARAMETERS if parameter.since <= major}
    if major < 15:
        held["rds.force_ssl"] = _dynamic("rds.force_ssl", "0", "boolean", "0,1")
    return held
