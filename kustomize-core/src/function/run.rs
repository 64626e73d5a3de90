//! Running a function: as a program of this machine, or in a container.

use super::environment;
use super::resource_list;
use super::spec::{ExecSpec, FunctionSpec, Mount};
use crate::build_context::BuildContext;
use crate::context::Context;
use crate::error::{BuildError, ErrorKind};
use crate::host::{Command, HostError, Output};
use crate::loader::Loader;
use crate::resource::Resource;
use crate::yaml::{Node, Pos, read};

/// What runs containers, in the order in which they are tried. kustomize knows docker alone.
const CONTAINER_PROGRAMS: [&str; 2] = ["docker", "podman"];

/// Hands resources to a function; what it writes.
pub(super) fn function(
    loader: &Loader<'_>,
    spec: &FunctionSpec,
    config: &Resource,
    resources: &[Resource],
) -> Result<Vec<u8>, BuildError> {
    let cx = loader.context();
    let name = format!("function {}", config.name());
    if spec.container.network && !cx.options.network {
        return Err(BuildError::new(ErrorKind::NotAllowed, format!("{name} wants the network"))
            .with_help(format!("it may have it with {}", cx.options.option_names.network)));
    }
    let config = resource_list::local_config(config);
    let input = resource_list::write(&config, resources)?;
    let output = if !spec.container.image.is_empty() {
        in_container(loader, spec, input)?
    } else if cx.options.enable_exec && !spec.exec.path.is_empty() {
        as_program(loader, &spec.exec, input)?
    } else {
        // kustomize passes over it in silence.
        let message = format!("{name} was not run");
        let help = if spec.exec.path.is_empty() {
            "its configuration names neither an image nor a program".to_owned()
        } else {
            format!("functions that are programs run with {}", cx.options.option_names.enable_exec)
        };
        cx.warn_with_help(message, config.node.pos, help);
        return Ok(input);
    };
    tell(cx, &name, &output, config.node.pos);
    if !output.succeeded() {
        return Err(failure(cx, &name, &output));
    }
    Ok(output.stdout)
}

fn as_program(loader: &Loader<'_>, spec: &ExecSpec, input: Vec<u8>) -> Result<Output, BuildError> {
    let cx = loader.context();
    if loader.root() == "/" {
        let message = "functions do not run in the root directory '/'";
        return Err(BuildError::new(ErrorKind::NotAllowed, message));
    }
    let mut command = Command::new(spec.path.as_str(), loader.root());
    command.arguments.clone_from(&spec.args);
    command.environment = environment::of_program(&spec.envs, &cx.options.env);
    command.input = input;
    cx.host.run(&command).map_err(|error| {
        let is_missing = error == HostError::NotFound;
        let error = run_error(error, &spec.path);
        if is_missing && !spec.path.contains('/') {
            return error
                .with_help(format!("for a program beside the kustomization write './{}'", spec.path));
        }
        error
    })
}

fn in_container(loader: &Loader<'_>, spec: &FunctionSpec, input: Vec<u8>) -> Result<Output, BuildError> {
    let mut command = Command::new("", loader.root());
    command.arguments = container_arguments(loader, spec)?;
    command.input = input;
    let image = &spec.container.image;
    for program in CONTAINER_PROGRAMS {
        program.clone_into(&mut command.program);
        match loader.context().host.run(&command) {
            Err(HostError::NotFound) => {}
            Err(error) => return Err(run_error(error, program)),
            Ok(output) => return Ok(output),
        }
    }
    let message = format!("the function's image {image} needs docker or podman, and neither is on the PATH");
    Err(BuildError::new(ErrorKind::Function, message))
}

fn container_arguments(loader: &Loader<'_>, spec: &FunctionSpec) -> Result<Vec<String>, BuildError> {
    let cx = loader.context();
    let network = if spec.container.network { "host" } else { "none" };
    let user = if cx.options.as_current_user { current_user(cx)? } else { "nobody".to_owned() };
    let fixed = ["run", "--rm", "-i", "-a", "STDIN", "-a", "STDOUT", "-a", "STDERR", "--network", network];
    let mut arguments: Vec<String> = fixed.iter().map(|&word| word.to_owned()).collect();
    arguments.extend(["--user".to_owned(), user, "--security-opt=no-new-privileges".to_owned()]);
    let from_options = cx.options.mounts.iter().map(|mount| Mount::parse(mount));
    for mount in spec.container.mounts.iter().cloned().chain(from_options) {
        arguments.extend(["--mount".to_owned(), mount.to_argument(loader.root())]);
    }
    arguments.extend(environment::of_container(&spec.container.envs, &cx.options.env));
    arguments.push(spec.container.image.clone());
    Ok(arguments)
}

/// `uid:gid` of whoever runs the build.
fn current_user(cx: &BuildContext<'_>) -> Result<String, BuildError> {
    let id = |option: &str| {
        let mut command = Command::new("id", "");
        command.arguments.push(option.to_owned());
        let output = cx.host.run(&command).map_err(|error| run_error(error, "id"))?;
        Ok::<_, BuildError>(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    Ok(format!("{}:{}", id("-u")?, id("-g")?))
}

pub(super) fn run_error(error: HostError, program: &str) -> BuildError {
    match error {
        HostError::Refused { .. } => BuildError::new(ErrorKind::NotAllowed, error.to_string()),
        HostError::NotFound => {
            BuildError::new(ErrorKind::Function, format!("there is no program '{program}'"))
        }
        HostError::Denied => BuildError::new(ErrorKind::Function, format!("'{program}' may not be run"))
            .with_help("is it executable (chmod +x)?"),
        error => BuildError::new(ErrorKind::Function, format!("'{program}' could not be run: {error}")),
    }
}

/// The error of a function that failed: what it wrote to standard error, else the results that it
/// reported.
fn failure(cx: &Context, name: &str, output: &Output) -> BuildError {
    let status = output.status.map_or("a signal".to_owned(), |status| format!("exit status {status}"));
    let said = match output.last_words() {
        said if said.is_empty() => reported(cx, name, &output.stdout),
        said => said,
    };
    let colon = if said.is_empty() { "" } else { ": " };
    BuildError::new(ErrorKind::Function, format!("{name} failed with {status}{colon}{said}"))
}

/// Messages of the results in a `ResourceList`.
fn reported(cx: &Context, name: &str, output: &[u8]) -> String {
    let Ok(text) = str::from_utf8(output) else { return String::new() };
    let file = cx.sources.add(format!("output of {name}"), text.into(), None);
    let documents = read(text, file).unwrap_or_default();
    let results = documents.first().and_then(|list| list.get("results")).and_then(Node::as_seq);
    let messages = results.into_iter().flatten().filter_map(|result| result.get("message")).map(Node::text);
    messages.collect::<Vec<_>>().join("; ")
}

/// Hands on what a function that succeeded wrote to standard error.
fn tell(cx: &Context, name: &str, output: &Output, pos: Pos) {
    if output.succeeded() && !output.stderr.trim_ascii().is_empty() {
        cx.warn(format!("{name}: {}", output.last_words()), pos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_get_kustomize_s_command_line() {
        let host = crate::host::MemoryHost::from_iter([("/app/x", "")]);
        let options = crate::options::BuildOptions {
            env: vec!["B".into(), "A=2".into()],
            mounts: vec!["type=bind,source=/tmp,target=/t,rw=true".into()],
            ..Default::default()
        };
        let store = crate::store::Store::for_one_build();
        let recorder = crate::store::Recorder::new(&host, &store);
        let cx = BuildContext::new(&recorder, &options, crate::parallel::Threads::for_one_build());
        let loader = Loader::new_root(&cx, "/app", "/").unwrap();
        let mut spec = FunctionSpec::default();
        spec.container.image = "example.com/fn:v1".into();
        spec.container.network = true;
        spec.container.envs = vec!["A=1".into(), "C=x=y".into(), "B".into(), "D".into()];
        spec.container.mounts = vec![Mount::parse("type=bind,src=data,dst=/data")];
        let line = container_arguments(&loader, &spec).unwrap().join(" ");
        assert_eq!(
            line,
            "run --rm -i -a STDIN -a STDOUT -a STDERR --network host --user nobody \
             --security-opt=no-new-privileges --mount type=bind,source=/app/data,target=/data,readonly \
             --mount type=bind,source=/tmp,target=/t -e A=2 -e C=x=y -e LOG_TO_STDERR=true \
             -e STRUCTURED_RESULTS=true -e B -e D example.com/fn:v1"
        );
    }
}
