//! The area ssa.

use std::path::Path;

use reconciler_core::object::add_metadata;
use reconciler_core::ssa::{
    FieldManager, ObjectId, Operation, Stage, StageKinds, apply_order, kind_index, migrate_version,
    normalize_dry_run, normalize_object, read_objects, remove_managers, sort_for_delete, stage, take_over,
};
use serde_json::{Value, json};

use crate::case::{Report, equal, equal_text};

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "common_metadata", common_metadata)?;
    report.table(folder, "custom_stage_kinds", custom_stage_kinds)?;
    report.table(folder, "id_format", id_format)?;
    report.table(folder, "id_parse", id_parse)?;
    report.table(folder, "migrate_version", |case| {
        patch(case, migrate_version(&case["object"], text(case, "api_version")))
    })?;
    report.table(folder, "normalize", normalized)?;
    report.table(folder, "order", order)?;
    report.table(folder, "read_objects", read)?;
    report.table(folder, "remove_managers", |case| {
        patch(case, remove_managers(&case["object"], &managers(case)?))
    })?;
    super::scenarios::run(folder, report)?;
    report.table(folder, "stage", stage_of)?;
    report.table(folder, "takeover", |case| {
        patch(case, take_over(&case["object"], &managers(case)?, text(case, "owner")))
    })?;
    Ok(())
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

fn pairs(value: &Value) -> Vec<(&str, &str)> {
    let texts = value.as_object().into_iter().flatten();
    texts.map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default())).collect()
}

fn common_metadata(case: &Value) -> Result<(), String> {
    let mut object = case["object"].clone();
    add_metadata(&mut object, pairs(&case["labels"]), pairs(&case["annotations"]));
    equal("object", &object, &case["result"])
}

fn custom_stage_kinds(case: &Value) -> Result<(), String> {
    let kinds = StageKinds::parse(text(case, "input"));
    let mut names: Vec<String> = kinds.iter().map(|(group, kind)| format!("{kind}/{group}")).collect();
    names.sort();
    equal("kinds", &json!(names), &case["kinds_and_groups"])
}

fn id_from(value: &Value) -> ObjectId {
    let part = |key| text(value, key).to_owned();
    ObjectId { namespace: part("namespace"), name: part("name"), group: part("group"), kind: part("kind") }
}

fn id_format(case: &Value) -> Result<(), String> {
    let id = id_from(case);
    equal_text("id", &id.to_string(), text(case, "id"))?;
    equal_text("subject", &id.subject(), text(case, "subject"))?;
    match id.to_string().parse::<ObjectId>() {
        Ok(read) => {
            equal("read back", &read, &id_from(&case["parsed_back"]))?;
            equal("is the same", &Some(read == id), &case["round_trips"].as_bool())
        }
        Err(failure) => Err(failure.to_string()),
    }
}

fn id_parse(case: &Value) -> Result<(), String> {
    match text(case, "id").parse::<ObjectId>() {
        Ok(id) if case["error"].is_null() => equal("id", &id, &id_from(case)),
        Ok(id) => Err(format!("read as {id:?}")),
        Err(failure) => equal("error", &Some(&*failure.to_string()), &case["error"].as_str()),
    }
}

fn order(case: &Value) -> Result<(), String> {
    let ids = |key: &str| -> Result<Vec<ObjectId>, String> {
        let list = case[key].as_array().into_iter().flatten();
        list.map(|id| id.as_str().unwrap_or_default().parse().map_err(|failure| format!("{failure}")))
            .collect()
    };
    let mut applied = ids("input")?;
    applied.sort_by(apply_order);
    equal("apply order", &applied, &ids("apply_order")?)?;
    let mut deleted = ids("input")?;
    sort_for_delete(&mut deleted);
    equal("delete order", &deleted, &ids("delete_order")?)
}

fn stage_of(case: &Value) -> Result<(), String> {
    let (group, kind) = (text(case, "group"), text(case, "kind"));
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
    let name = match stage(&object, &StageKinds::default()) {
        Stage::Definitions => "definitions",
        Stage::Classes => "classes",
        Stage::Custom => "custom",
        Stage::Main => "main",
    };
    equal_text("stage", name, text(case, "stage"))?;
    equal("index", &Some(i64::from(kind_index(kind))), &case["order_index"].as_i64())
}

fn normalized(case: &Value) -> Result<(), String> {
    let mut object = case["input"].clone();
    match text(case, "mode") {
        "dry_run" => normalize_dry_run(&mut object),
        _ => normalize_object(&mut object),
    }
    equal("object", &object, &case["output"])
}

fn read(case: &Value) -> Result<(), String> {
    match read_objects(text(case, "yaml")) {
        Ok(_) if case["error"].is_string() => Err(format!("not refused: {}", case["error"])),
        Ok(objects) => {
            let names = objects.iter().map(|object| ObjectId::of(object).subject()).collect::<Vec<_>>();
            equal("objects", &json!(names), &case["objects"])
        }
        Err(failure) => equal_text("error", &failure.to_string(), text(case, "error")),
    }
}

fn managers(case: &Value) -> Result<Vec<FieldManager>, String> {
    let list = case["managers"].as_array().into_iter().flatten();
    list.map(|manager| {
        let operation = match text(manager, "operationType") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            other => return Err(format!("operation {other}")),
        };
        let exact = manager["exactMatch"].as_bool().unwrap_or_default();
        Ok(FieldManager { name: text(manager, "name").to_owned(), exact, operation })
    })
    .collect()
}

fn patch(case: &Value, got: Option<Value>) -> Result<(), String> {
    equal("patch", &got.unwrap_or_default(), &case["patch"])
}
