//! The database agent as a Lambda function: the real binary, a secret in Secrets Manager, a real PostgreSQL with TLS.

use outrigger_tests::Project;
use outrigger_tests::postgres::{Authority, DATABASE, HOST, PASSWORD, Programs, Server, USER};
use serde_json::{Value, json};

use crate::harness::{boto3, shared};

/// Installs it by hand: its package has the certificates to trust, its role reads one secret of the two.
const INSTALL: &str = r#"
import io, json, sys, zipfile
import boto3

bootstrap, certificates, value = sys.argv[1:]
secrets = boto3.client("secretsmanager")
own, other = (secrets.create_secret(Name=name, SecretString=value)["ARN"] for name in ("agent-own", "agent-other"))
trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
read = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": own}
iam = boto3.client("iam")
document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})
role = iam.create_role(RoleName="database-agent", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="database-agent", PolicyName="secret", PolicyDocument=document(read))
package = io.BytesIO()
with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    program = zipfile.ZipInfo("bootstrap")
    program.external_attr = 0o755 << 16
    program.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(program, open(bootstrap, "rb").read())
    archive.writestr("certificates.pem", open(certificates).read())
boto3.client("lambda").create_function(
    FunctionName="database-agent", Runtime="provided.al2023", Handler="bootstrap", Role=role, Timeout=30,
    Code={"ZipFile": package.getvalue()}, Environment={"Variables": {"OUTRIGGER_CERTIFICATES": "certificates.pem"}},
)
print(json.dumps([own, other]))
"#;

const INVOKE: &str = r#"
import sys
import boto3

for event in sys.argv[1:]:
    print(boto3.client("lambda").invoke(FunctionName="database-agent", Payload=event)["Payload"].read().decode())
"#;

const LOGS: &str = r#"
import boto3

pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/database-agent")
print("\n".join(event["message"] for page in pages for event in page["events"]))
"#;

fn text(output: Vec<u8>) -> String {
    String::from_utf8(output).unwrap()
}

#[test]
fn the_database_agent_works_as_a_function() {
    let aws = shared();
    let project = Project::of_test().unwrap();
    let authority = Authority::new("the test's own").unwrap();
    let server = Server::start(&Programs::find(&project).unwrap(), Some(&authority)).unwrap();
    let certificates = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(certificates.path(), authority.certificate()).unwrap();
    let bootstrap = project.lambda_directory().join("database-agent/bootstrap");
    let value = json!({ "username": USER, "password": PASSWORD }).to_string();
    let paths = [bootstrap.as_path(), certificates.path()].map(|path| path.to_str().unwrap());
    let installed = text(boto3(aws, INSTALL, &[paths[0], paths[1], &value]));
    let [own, other]: [String; 2] = serde_json::from_str(&installed).unwrap();

    let event = |secret: &str, action: Value| {
        let mut event = json!({
            "secret_arn": secret,
            "endpoint": { "host": HOST, "port": server.port, "database": DATABASE },
        });
        event
            .as_object_mut()
            .unwrap()
            .extend(action.as_object().unwrap().clone());
        event.to_string()
    };
    let write = json!({ "action": "test_write", "observer": "us-east-1", "number": 1 });
    let events = [
        event(&own, write.clone()),
        event(&own, json!({ "action": "prepare" })),
        event(&own, write),
        event(&own, json!({ "action": "probe" })),
        event(&other, json!({ "action": "probe" })),
        event(&own, json!({ "action": "drop" })),
    ];
    let said = text(boto3(aws, INVOKE, &events.each_ref().map(String::as_str)));
    let answers: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [unprepared, prepared, written, probed, denied, unknown] = answers.as_slice() else {
        panic!("{said}");
    };
    assert_eq!(unprepared["errorType"], "DatabaseNotPrepared", "{said}");
    assert_eq!(*prepared, json!({ "prepared": {} }), "{said}");
    assert_eq!(written["written"]["number"], 1, "{said}");
    assert_eq!(probed["probed"]["heartbeats"][0]["observer"], "us-east-1", "{said}");
    assert_eq!(probed["probed"]["in_recovery"], false, "{said}");
    assert_eq!(denied["errorType"], "AccessDenied", "{said}");
    assert_eq!(unknown["errorType"], "InvalidInput", "{said}");
    // What was written is there, and the password is where it was and nowhere else.
    let number = server.sql(DATABASE, "SELECT number FROM outrigger.heartbeats").unwrap();
    assert_eq!(number, "1");
    let told = text(boto3(aws, LOGS, &[]));
    assert!(told.contains("DatabaseNotPrepared"), "{told}");
    assert!(!told.contains(PASSWORD) && !said.contains(PASSWORD));
}
