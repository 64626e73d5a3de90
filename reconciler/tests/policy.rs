//! `reconciler test`: policies without a cluster.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const FILES: [(&str, &str); 6] = [
    (
        "policies/replicas.yaml",
        "# Few replicas everywhere.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: ['*'], operations: ['*'], resources: [deployments]}
  validations:
  - expression: object.spec.replicas <= int(params.data.max)
    messageExpression: \"'at most ' + params.data.max + ' & not ' + string(object.spec.replicas)\"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: production}
spec:
  policyName: replicas
  validationActions: [Deny]
  paramRef: {name: limits, namespace: policies, parameterNotFoundAction: Deny}
  matchResources:
    namespaceSelector: {matchLabels: {env: production}}
",
    ),
    (
        "policies/more/limits.yml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: policies}\ndata: {max: '3'}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: web, labels: {env: production}}\n",
    ),
    ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
    (
        "base/deployment.yaml",
        "# The web server.\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n",
    ),
    ("small/kustomization.yaml", "resources: [../base]\nnamespace: web\n"),
    ("large/kustomization.yaml", "resources: [../base]\nnamespace: web\nreplicas: [{name: web, count: 9}]\n"),
];
const MESSAGE: &str =
    "ValidatingAdmissionPolicy 'replicas' with binding 'production' denied request: at most 3 & not 9";

fn directory() -> Outcome<TempDir> {
    let directory = TempDir::new()?;
    for (name, text) in FILES {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        std::fs::write(path, text)?;
    }
    Ok(directory)
}

fn run(directory: &TempDir, line: &str) -> Outcome<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
    // Paths are shown from the directory as the system names it.
    command.current_dir(directory.path().canonicalize()?).arg("test").args(line.split_whitespace());
    Ok(command.output()?)
}

fn refused(directory: &TempDir, line: &str) -> Outcome<String> {
    let output = run(directory, line)?;
    let (out, error) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    assert_eq!(output.status.code(), Some(1), "{out}\n{error}");
    assert!(error.contains("1 object would be refused"), "{error}");
    Ok(out)
}

#[test]
fn findings_name_file_and_line() -> Outcome {
    let directory = directory()?;
    let text = refused(&directory, "small large --policy policies")?;
    let wanted = format!(
        "error: base/deployment.yaml:2: Deployment/web/web: {MESSAGE}\n2 objects checked, 1 would be refused\n"
    );
    assert_eq!(text, wanted);
    let output = run(&directory, "small --policy policies")?;
    assert_eq!(String::from_utf8(output.stdout)?, "1 objects checked, 0 would be refused\n");
    assert!(output.status.success());
    Ok(())
}

#[test]
fn files_of_objects_are_checked_too() -> Outcome {
    let directory = directory()?;
    let file = "\n# one\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n---\n# two\n\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: web}\nspec: {replicas: 9}\n";
    std::fs::write(directory.path().join("all.yaml"), file)?;
    let text = refused(&directory, "all.yaml --policy policies")?;
    assert!(text.starts_with(&format!("error: all.yaml:9: Deployment/web/web: {MESSAGE}\n")), "{text}");
    Ok(())
}

#[test]
fn programs_read_other_formats() -> Outcome {
    let directory = directory()?;
    let github = refused(&directory, "large --policy policies --output github")?;
    assert_eq!(github, format!("::error file=base/deployment.yaml,line=2::Deployment/web/web: {MESSAGE}\n"));
    let junit = refused(&directory, "large --policy policies --output junit")?;
    let failure =
        "<failure type=\"replicas\" message=\"at most 3 &amp; not 9\">base/deployment.yaml:2: Validating";
    assert!(junit.contains(failure), "{junit}");
    assert!(junit.contains("<testsuite name=\"large\" tests=\"1\" failures=\"1\" errors=\"0\">"), "{junit}");
    let sarif: Value = serde_json::from_str(&refused(&directory, "large --policy policies --output sarif")?)?;
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "replicas");
    assert_eq!(result["level"], "error");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
    Ok(())
}

/// A policy that warns and notes for audits, and one for what exists already.
const OTHERS: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: noted}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: ['*'], operations: [CREATE], resources: [deployments]}
  validations: [{expression: object.spec.replicas < 5, message: many}]
  auditAnnotations: [{key: replicas, valueExpression: string(object.spec.replicas) + ' & no more'}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: audit}
spec: {policyName: noted, validationActions: [Audit]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: warn}
spec: {policyName: noted, validationActions: [Warn, Audit]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: changes}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: ['*'], operations: [UPDATE], resources: [deployments]}
  validations: [{expression: 'false'}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: changes}
spec: {policyName: changes, validationActions: [Deny]}
";

#[test]
fn warnings_and_notes_refuse_nothing() -> Outcome {
    let directory = directory()?;
    std::fs::write(directory.path().join("others.yaml"), OTHERS)?;
    let checked = |line: &str| -> Outcome<String> {
        let output = run(&directory, line)?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    let failed = |binding: &str| {
        format!("Validation failed for ValidatingAdmissionPolicy 'noted' with binding '{binding}': many")
    };
    let noted = |replicas: u8| {
        format!(
            "ValidatingAdmissionPolicy 'noted' adds the audit annotation noted/replicas: {replicas} & no more"
        )
    };
    // Objects are new, so that nothing is said about changes.
    let place = "base/deployment.yaml:2: Deployment/web/web";
    let text = checked("small large --policy others.yaml")?;
    let wanted = format!(
        "note: {place}: {}\nnote: {place}: {}\nwarning: {place}: {}\nnote: {place}: {}\n2 objects checked, 0 would be refused\n",
        noted(1),
        failed("audit"),
        failed("warn"),
        noted(9)
    );
    assert_eq!(text, wanted);
    let place = "file=base/deployment.yaml,line=2::Deployment/web/web";
    let github = checked("large --policy others.yaml --output github")?;
    let wanted = format!(
        "::notice {place}: {}\n::warning {place}: {}\n::notice {place}: {}\n",
        failed("audit"),
        failed("warn"),
        noted(9)
    );
    assert_eq!(github, wanted);
    let junit = checked("large --policy others.yaml --output junit")?;
    let place = "base/deployment.yaml:2: ";
    let out = format!(
        "<system-out>note: {place}{}\nwarning: {place}{}\nnote: {place}{}</system-out>",
        failed("audit"),
        failed("warn"),
        noted(9).replace('&', "&amp;")
    );
    assert!(junit.contains(&out) && junit.contains("failures=\"0\""), "{junit}");
    let sarif: Value = serde_json::from_str(&checked("large --policy others.yaml --output sarif")?)?;
    let results = sarif["runs"][0]["results"].as_array().cloned().unwrap_or_default();
    let levels: Vec<&Value> = results.iter().map(|result| &result["level"]).collect();
    assert_eq!(levels, ["note", "warning", "note"]);
    Ok(())
}

#[test]
fn no_policy_is_no_success() -> Outcome {
    let directory = directory()?;
    for (policies, message) in [("base", "there is no ValidatingAdmissionPolicy"), ("nowhere", "nowhere: ")] {
        let output = run(&directory, &format!("large --policy {policies}"))?;
        let error = String::from_utf8(output.stderr)?;
        assert!(!output.status.success() && error.contains(message), "{error}");
    }
    Ok(())
}

const KUSTOMIZATION: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web, namespace: flux-system}
spec: {interval: 1m, prune: true, sourceRef: {kind: GitRepository, name: web}, path: ./large}
";

#[test]
fn a_binding_without_its_policy_is_an_error() -> Outcome {
    let directory = directory()?;
    let binding = FILES[0].1.replace("policyName: replicas", "policyName: replica");
    std::fs::write(directory.path().join(FILES[0].0), binding)?;
    let output = run(&directory, "small --policy policies")?;
    let error = String::from_utf8(output.stderr)?;
    let why = "ValidatingAdmissionPolicyBinding 'production' names the ValidatingAdmissionPolicy 'replica'";
    assert!(!output.status.success() && error.contains(why), "{error}");
    Ok(())
}

/// A policy that selects namespaces by labels finds nothing where nobody knows them, and that is said.
#[test]
fn a_namespace_that_is_not_known_is_named() -> Outcome {
    let directory = directory()?;
    let overlay = "resources: [../base]\nnamespace: shop\nreplicas: [{name: web, count: 9}]\n";
    std::fs::write(directory.path().join("large/kustomization.yaml"), overlay)?;
    let output = run(&directory, "large --policy policies")?;
    assert!(output.status.success());
    let error = String::from_utf8(output.stderr)?;
    let warning = "large: nothing says which labels the namespace 'shop' has, so the ValidatingAdmissionPolicy \
                   'replicas', which selects namespaces by labels, was not asked about its objects";
    assert_eq!(error.matches(warning).count(), 1, "{error}");
    // By its name it is known.
    let by_name = FILES[0].1.replace("{env: production}", "{kubernetes.io/metadata.name: shop}");
    std::fs::write(directory.path().join(FILES[0].0), by_name)?;
    assert!(refused(&directory, "large --policy policies")?.contains("Deployment/shop/web"));
    let output = run(&directory, "small --policy policies")?;
    assert_eq!(String::from_utf8(output.stderr)?, "");
    Ok(())
}

fn build(directory: &TempDir, overlay: &str, more: &str) -> Outcome<Output> {
    std::fs::write(directory.path().join("web.yaml"), KUSTOMIZATION)?;
    let line = format!("kustomization web --path {overlay} --kustomization-file web.yaml --dry-run {more}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
    command.current_dir(directory.path().canonicalize()?).arg("build").args(line.split_whitespace());
    Ok(command.output()?)
}

#[test]
fn build_prints_nothing_that_would_be_refused() -> Outcome {
    let directory = directory()?;
    let output = build(&directory, "large", "--policy policies")?;
    let error = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(String::from_utf8(output.stdout)?, "");
    assert!(
        error.contains(&format!("error: base/deployment.yaml:2: Deployment/web/web: {MESSAGE}\n")),
        "{error}"
    );
    assert!(error.contains("1 object would be refused"), "{error}");
    let output = build(&directory, "large", "--policy policies --policy-output github")?;
    let error = String::from_utf8(output.stderr)?;
    assert!(
        error.contains(&format!("::error file=base/deployment.yaml,line=2::Deployment/web/web: {MESSAGE}\n")),
        "{error}"
    );
    let output = build(&directory, "small", "--policy policies")?;
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout)?.contains("kind: Deployment"));
    Ok(())
}

/// Without the feature, policies in Rego are errors.
#[cfg(not(feature = "rego"))]
#[test]
fn rego_is_never_ignored() -> Outcome {
    let directory = directory()?;
    let template = "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {name: a}\n";
    for (file, text) in [("policies/a.rego", "package main\n"), ("policies/template.yaml", template)] {
        std::fs::write(directory.path().join(file), text)?;
        let output = run(&directory, "small --policy policies")?;
        let error = String::from_utf8(output.stderr)?;
        assert!(
            !output.status.success() && error.contains("with the feature `rego`") && error.contains(file),
            "{error}"
        );
        std::fs::remove_file(directory.path().join(file))?;
    }
    Ok(())
}

#[cfg(feature = "rego")]
mod rego {
    use std::time::{Duration, Instant};

    use super::*;

    const RULES: &str = "package main

deny contains msg if {
	input.kind == \"Deployment\"
	input.spec.replicas > 5
	msg := sprintf(\"%d replicas <are> too many\", [input.spec.replicas])
}

warn contains {\"msg\": \"no owner\"} if not input.metadata.labels.owner
";
    const DENIED: &str = "Rego policy 'main.deny' denied request: 9 replicas <are> too many";
    const WARNED: &str = "Rego policy 'main.warn' warned: no owner";

    fn with(files: &[(&str, &str)]) -> Outcome<TempDir> {
        let directory = directory()?;
        std::fs::create_dir(directory.path().join("rego"))?;
        for (name, text) in files {
            std::fs::write(directory.path().join("rego").join(name), text)?;
        }
        Ok(directory)
    }

    #[test]
    fn findings_have_every_form() -> Outcome {
        let directory = with(&[("a.rego", RULES), ("a_test.rego", "this is ( no Rego")])?;
        let place = "base/deployment.yaml:2: Deployment/web/web";
        let text = refused(&directory, "small large --policy rego")?;
        let wanted = format!(
            "warning: {place}: {WARNED}\nerror: {place}: {DENIED}\nwarning: {place}: {WARNED}\n2 objects checked, 1 would be refused\n"
        );
        assert_eq!(text, wanted);
        let github = refused(&directory, "large --policy rego --output github")?;
        let place = "file=base/deployment.yaml,line=2::Deployment/web/web";
        assert_eq!(github, format!("::error {place}: {DENIED}\n::warning {place}: {WARNED}\n"));
        let junit = refused(&directory, "large --policy rego --output junit")?;
        let failure = "<failure type=\"main.deny\" message=\"9 replicas &lt;are&gt; too many\">base/deployment.yaml:2: Rego policy";
        assert!(junit.contains(failure), "{junit}");
        let sarif: Value = serde_json::from_str(&refused(&directory, "large --policy rego --output sarif")?)?;
        let results = &sarif["runs"][0]["results"];
        assert_eq!(results[0]["ruleId"], "main.deny");
        assert_eq!(results[0]["level"], "error");
        assert_eq!(results[1]["ruleId"], "main.warn");
        assert_eq!(results[1]["level"], "warning");
        assert_eq!(results[0]["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
        // Both kinds of policies are asked.
        let both = refused(&directory, "large --policy rego --policy policies")?;
        assert!(both.contains(MESSAGE) && both.contains(DENIED), "{both}");
        let output = build(&directory, "large", "--policy rego")?;
        assert!(String::from_utf8(output.stderr)?.contains(DENIED));
        Ok(())
    }

    #[test]
    fn mistakes_name_file_line_and_column() -> Outcome {
        let directory = with(&[("a.rego", "package main\n\ndeny contains msg if {\n\tmsg := := 1\n}\n")])?;
        let output = run(&directory, "small --policy rego")?;
        let error = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1));
        assert!(error.contains("rego/a.rego:4:9: "), "{error}");
        Ok(())
    }

    #[test]
    fn hostile_modules_end() -> Outcome {
        let text = "package main\n\ndeny contains \"a\" if count(numbers.range(1, 100000000000)) == 0\n";
        let directory = with(&[("a.rego", text)])?;
        let start = Instant::now();
        let output = run(&directory, "small --policy rego")?;
        let error = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1));
        assert!(error.contains("Deployment web: the evaluation "), "{error}");
        assert!(start.elapsed() < Duration::from_secs(60));
        Ok(())
    }
}
