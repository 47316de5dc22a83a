//! `cargo lambda deploy` of one function, whichever it is, changes nothing that runs: workflows name published versions.

use std::process::Command;

use outrigger_tests::{CONTROL_PLANE, Project, local, start_with_control_plane};
use serde_json::json;

use crate::harness::execute;

/// Functions that stacks install, and not the control plane.
const OF_STACKS: [&str; 1] = ["database-agent"];

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_deployed_by_itself_waits_to_be_published() {
    let aws = start_with_control_plane().unwrap();
    let project = Project::of_test().unwrap();
    let tools = local::cargo_lambda_venv(&project, &mut |line| eprintln!("{line}")).unwrap();
    let functions = local::functions(&project).unwrap();
    for function in functions.iter().filter(|name| !OF_STACKS.contains(&name.as_str())) {
        let mut command = Command::new(tools.join("bin/cargo-lambda"));
        aws.set_environment(&mut command);
        let deployed = command
            .current_dir(project.root())
            .args([
                "lambda",
                "deploy",
                &format!("{CONTROL_PLANE}-{function}"),
                "--binary-name",
                function,
            ])
            .args(["--endpoint-url", aws.endpoint()])
            .arg("--lambda-dir")
            .arg(project.lambda_directory())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&deployed.stderr);
        assert!(deployed.status.success(), "{function}: {told}");
    }
    // Operations go on with the published versions.
    let document = json!({
        "stack": "deployed", "environment": "test", "region": "us-east-1",
        "network": { "cidr": "10.0.0.0/16", "zones": 1 },
    });
    let execution = execute(
        &aws,
        "ProvisionStackArn",
        "deployed-1",
        &json!({ "document": document }),
    )
    .await;
    assert_eq!(execution.error, None, "{execution:?}");
}
