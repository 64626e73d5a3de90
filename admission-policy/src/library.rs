//! The functions that Kubernetes adds to CEL.
//!
//! See <https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-cel-libraries>. There is no `authorizer`, which
//! asks a cluster, and there are no formats with a name.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelString, LIST_TYPE, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError, add_member_overload, add_overload};
use ipnet::IpNet;
use url::form_urlencoded;

/// Makes Kubernetes' functions known. Those for regular expressions, and `indexOf`, are in `program`, which counts what they
/// cost.
pub(crate) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    quantities(env)?;
    lists(env)?;
    urls(env)?;
    addresses(env)?;
    versions(env)
}

/// A value of a type that only functions know.
macro_rules! opaque {
    ($(#[$meta:meta])* $name:ident($inner:ty), $title:literal, $type:ident) => {
        static $type: Type = Type::new_unspecified_type($title);

        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        struct $name($inner);

        impl Val for $name {
            fn get_type(&self) -> &Type {
                &$type
            }

            fn cel_type() -> &'static Type {
                &$type
            }

            fn equals(&self, other: &dyn Val) -> bool {
                other.downcast_ref::<$name>().is_some_and(|other| self == other)
            }

            fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
                Box::new(self.clone())
            }

            fn as_any(&self) -> Option<&dyn Any> {
                Some(self)
            }
        }

        impl StaticVal for $name {}
    };
}

type Fallible<T> = Result<T, ExecutionError>;

fn fail<T>(function: &str, message: impl ToString) -> Fallible<T> {
    Err(ExecutionError::function_error(function, message))
}

fn parsed<T>(function: &str, text: &CelString<'_>, what: &str, found: Option<T>) -> Fallible<T> {
    found.map_or_else(|| fail(function, format!("'{}' is not {what}", text.inner())), Ok)
}

fn order(ordering: Ordering) -> CelInt {
    CelInt::from(ordering as i64)
}

// Quantities

const NANO: i128 = 1_000_000_000;

opaque!(
    /// Billionths.
    Quantity(i128), "kubernetes.Quantity", QUANTITY
);

fn quantities(env: &mut Env) -> Result<(), DeclarationError> {
    add_overload!(env, fn quantity: (CelString) -> Result<Quantity>)?;
    add_overload!(env, fn is_quantity: (CelString) -> CelBool)?;
    add_member_overload!(env, fn is_integer: (Quantity) -> CelBool)?;
    add_member_overload!(env, fn as_integer: (Quantity) -> Result<CelInt>)?;
    add_member_overload!(env, fn as_approximate_float: (Quantity) -> CelDouble)?;
    add_overload!(env, fn sign: (Quantity) -> CelInt)?;
    add_member_overload!(env, fn add: (Quantity, Quantity) -> Result<Quantity>)?;
    add_member_overload!(env, fn add_integer: (Quantity, CelInt) -> Result<Quantity>, name = "add")?;
    add_member_overload!(env, fn sub: (Quantity, Quantity) -> Result<Quantity>)?;
    add_member_overload!(env, fn sub_integer: (Quantity, CelInt) -> Result<Quantity>, name = "sub")?;
    add_member_overload!(env, fn is_more: (Quantity, Quantity) -> CelBool, name = "isGreaterThan")?;
    add_member_overload!(env, fn is_less: (Quantity, Quantity) -> CelBool, name = "isLessThan")?;
    add_member_overload!(env, fn compare_to: (Quantity, Quantity) -> CelInt)
}

fn quantity(text: &CelString<'_>) -> Fallible<Quantity> {
    parsed("quantity", text, "a quantity", kubernetes_quantity::billionths(text.inner())).map(Quantity)
}

fn is_quantity(text: &CelString<'_>) -> CelBool {
    CelBool::from(kubernetes_quantity::billionths(text.inner()).is_some())
}

/// The whole number of a quantity, if it is one that CEL has.
fn whole(quantity: &Quantity) -> Option<i64> {
    (quantity.0 % NANO == 0).then(|| i64::try_from(quantity.0 / NANO).ok())?
}

fn is_integer(quantity: &Quantity) -> CelBool {
    CelBool::from(whole(quantity).is_some())
}

fn as_integer(quantity: &Quantity) -> Fallible<CelInt> {
    whole(quantity)
        .map_or_else(|| fail("asInteger", "cannot convert value to integer"), |whole| Ok(CelInt::from(whole)))
}

#[allow(clippy::cast_precision_loss, reason = "it is asked for")]
fn as_approximate_float(quantity: &Quantity) -> CelDouble {
    CelDouble::from(quantity.0 as f64 / NANO as f64)
}

fn sign(quantity: &Quantity) -> CelInt {
    order(quantity.0.cmp(&0))
}

fn sum_of(quantity: &Quantity, other: Option<i128>) -> Fallible<Quantity> {
    let sum = other.and_then(|other| quantity.0.checked_add(other));
    sum.map_or_else(|| fail("add", "the quantity is too large"), |sum| Ok(Quantity(sum)))
}

fn add(quantity: &Quantity, other: &Quantity) -> Fallible<Quantity> {
    sum_of(quantity, Some(other.0))
}

fn add_integer(quantity: &Quantity, other: &CelInt) -> Fallible<Quantity> {
    sum_of(quantity, Some(i128::from(*other.inner()) * NANO))
}

fn sub(quantity: &Quantity, other: &Quantity) -> Fallible<Quantity> {
    sum_of(quantity, other.0.checked_neg())
}

fn sub_integer(quantity: &Quantity, other: &CelInt) -> Fallible<Quantity> {
    sum_of(quantity, Some(-i128::from(*other.inner()) * NANO))
}

fn is_more(quantity: &Quantity, other: &Quantity) -> CelBool {
    CelBool::from(quantity.0 > other.0)
}

fn is_less(quantity: &Quantity, other: &Quantity) -> CelBool {
    CelBool::from(quantity.0 < other.0)
}

fn compare_to(quantity: &Quantity, other: &Quantity) -> CelInt {
    order(quantity.0.cmp(&other.0))
}

// Lists

fn lists(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_member_overload("isSorted", "list.isSorted()", LIST_TYPE, vec![], |args| {
        let items = items("isSorted", &args)?;
        for pair in items.windows(2) {
            if let [first, second] = pair
                && compared("isSorted", *first, *second)? == Ordering::Greater
            {
                return Ok(CowVal::owned(CelBool::from(false)));
            }
        }
        Ok(CowVal::owned(CelBool::from(true)))
    })?;
    env.add_member_overload("sum", "list.sum()", LIST_TYPE, vec![], |args| sum(&args))?;
    env.add_member_overload("min", "list.min()", LIST_TYPE, vec![], |args| {
        extreme("min", Ordering::Less, &args)
    })?;
    env.add_member_overload("max", "list.max()", LIST_TYPE, vec![], |args| {
        extreme("max", Ordering::Greater, &args)
    })?;
    env.add_overload("sets.contains", "sets.contains(list,list)", vec![LIST_TYPE, LIST_TYPE], |args| {
        let (first, second) = both("sets.contains", &args)?;
        Ok(CowVal::owned(CelBool::from(includes(&first, &second))))
    })?;
    env.add_overload("sets.equivalent", "sets.equivalent(list,list)", vec![LIST_TYPE, LIST_TYPE], |args| {
        let (first, second) = both("sets.equivalent", &args)?;
        Ok(CowVal::owned(CelBool::from(includes(&first, &second) && includes(&second, &first))))
    })?;
    env.add_overload("sets.intersects", "sets.intersects(list,list)", vec![LIST_TYPE, LIST_TYPE], |args| {
        let (first, second) = both("sets.intersects", &args)?;
        let is_common = first.iter().any(|item| second.iter().any(|other| item.equals(*other)));
        Ok(CowVal::owned(CelBool::from(is_common)))
    })
}

fn list_of<'a, 'v>(function: &str, value: Option<&'a CowVal<'_, 'v>>) -> Fallible<Vec<&'a (dyn Val + 'v)>> {
    match value.and_then(|value| value.downcast_ref::<CelList>()) {
        Some(list) => Ok(list.inner().iter().map(AsRef::as_ref).collect()),
        None => fail(function, "it is not called on a list"),
    }
}

fn items<'a, 'v>(function: &str, args: &'a [CowVal<'_, 'v>]) -> Fallible<Vec<&'a (dyn Val + 'v)>> {
    list_of(function, args.first())
}

/// Two lists.
type Both<'a, 'v> = (Vec<&'a (dyn Val + 'v)>, Vec<&'a (dyn Val + 'v)>);

fn both<'a, 'v>(function: &str, args: &'a [CowVal<'_, 'v>]) -> Fallible<Both<'a, 'v>> {
    Ok((list_of(function, args.first())?, list_of(function, args.get(1))?))
}

fn includes(list: &[&dyn Val], part: &[&dyn Val]) -> bool {
    part.iter().all(|item| list.iter().any(|other| item.equals(*other)))
}

fn compared(function: &str, first: &dyn Val, second: &dyn Val) -> Fallible<Ordering> {
    match first.as_comparer() {
        Some(first) => first.compare(second),
        None => fail(function, "the items cannot be compared"),
    }
}

fn extreme<'b, 'v>(function: &str, wanted: Ordering, args: &[CowVal<'b, 'v>]) -> Fallible<CowVal<'b, 'v>> {
    let mut items = items(function, args)?.into_iter();
    let Some(mut found) = items.next() else { return fail(function, "the list is empty") };
    for item in items {
        if compared(function, item, found)? == wanted {
            found = item;
        }
    }
    Ok(CowVal::Owned(found.clone_as_boxed()))
}

fn sum<'b, 'v>(args: &[CowVal<'b, 'v>]) -> Fallible<CowVal<'b, 'v>> {
    let items = items("sum", args)?;
    let Some((first, rest)) = items.split_first() else { return Ok(CowVal::owned(CelInt::from(0))) };
    // Texts and lists can be added as well, but their sum takes quadratic time.
    if !["int", "uint", "double", "google.protobuf.Duration"].contains(&first.get_type().name()) {
        return fail("sum", "the items are not numbers");
    }
    let mut sum = CowVal::Owned(first.clone_as_boxed());
    for item in rest {
        let Some(adder) = sum.as_adder() else { return fail("sum", "the items cannot be added") };
        let next = adder.add(*item)?.as_ref().clone_as_boxed();
        sum = CowVal::Owned(next);
    }
    Ok(sum)
}

// URLs

/// A URL, taken apart as Go's `url.ParseRequestURI` does. Nothing is normalized.
#[derive(Clone, Debug, PartialEq)]
struct UrlParts {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

opaque!(Url(UrlParts), "net.URL", URL);

fn urls(env: &mut Env) -> Result<(), DeclarationError> {
    add_overload!(env, fn url: (CelString) -> Result<Url>)?;
    add_overload!(env, fn is_url: (CelString) -> CelBool, name = "isURL")?;
    add_member_overload!(env, fn get_scheme: (Url) -> CelString)?;
    add_member_overload!(env, fn get_host: (Url) -> CelString)?;
    add_member_overload!(env, fn get_hostname: (Url) -> CelString)?;
    add_member_overload!(env, fn get_port: (Url) -> CelString)?;
    add_member_overload!(env, fn get_escaped_path: (Url) -> CelString)?;
    add_member_overload!(env, fn get_query: (Url) -> CelMap)
}

fn parse_url(text: &str) -> Option<UrlParts> {
    // This checks the characters, but fills in a path, and drops what comes after `#`, which Go refuses.
    let parsed: http::Uri = text.parse().ok()?;
    if text.contains('#') {
        return None;
    }
    let (before, query) = text.split_once('?').unwrap_or((text, ""));
    let Some((scheme, rest)) = before.split_once("://") else {
        let parts = UrlParts {
            scheme: String::new(),
            host: String::new(),
            path: before.to_owned(),
            query: query.to_owned(),
        };
        return before.starts_with('/').then_some(parts);
    };
    parsed.scheme()?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if parsed.authority().map(http::uri::Authority::as_str) != Some(authority) {
        return None;
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(UrlParts {
        scheme: scheme.to_lowercase(),
        host: host.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
    })
}

fn url(text: &CelString<'_>) -> Fallible<Url> {
    parsed("url", text, "a URL", parse_url(text.inner())).map(Url)
}

fn is_url(text: &CelString<'_>) -> CelBool {
    CelBool::from(parse_url(text.inner()).is_some())
}

fn get_scheme(url: &Url) -> CelString<'static> {
    CelString::from(url.0.scheme.clone())
}

fn get_host(url: &Url) -> CelString<'static> {
    CelString::from(url.0.host.clone())
}

/// The host without the port, and the port.
fn host_and_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    }
}

fn get_hostname(url: &Url) -> CelString<'static> {
    let (name, _) = host_and_port(&url.0.host);
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    CelString::from(bare.unwrap_or(name).to_owned())
}

fn get_port(url: &Url) -> CelString<'static> {
    CelString::from(host_and_port(&url.0.host).1.to_owned())
}

fn get_escaped_path(url: &Url) -> CelString<'static> {
    CelString::from(url.0.path.clone())
}

fn get_query(url: &Url) -> CelMap<'static> {
    let mut query = HashMap::<String, Vec<Box<dyn Val>>>::new();
    for (key, value) in form_urlencoded::parse(url.0.query.as_bytes()) {
        let value = Box::new(CelString::from(value.into_owned()));
        query.entry(key.into_owned()).or_default().push(value);
    }
    let lists = query.into_iter().map(|(key, values)| {
        let list: Box<dyn Val> = Box::new(CelList::from(values));
        (CelMapKey::from(key), list)
    });
    CelMap::from(lists.collect::<HashMap<_, _>>())
}

// Addresses

opaque!(Ip(IpAddr), "net.IP", IP);
opaque!(Cidr(IpNet), "net.CIDR", CIDR);

fn addresses(env: &mut Env) -> Result<(), DeclarationError> {
    add_overload!(env, fn ip: (CelString) -> Result<Ip>)?;
    add_overload!(env, fn is_ip: (CelString) -> CelBool, name = "isIP")?;
    add_overload!(env, fn is_canonical: (CelString) -> Result<CelBool>, name = "ip.isCanonical")?;
    add_overload!(env, fn ip_text: (Ip) -> CelString, name = "string")?;
    add_member_overload!(env, fn family: (Ip) -> CelInt)?;
    add_member_overload!(env, fn is_unspecified: (Ip) -> CelBool)?;
    add_member_overload!(env, fn is_loopback: (Ip) -> CelBool)?;
    add_member_overload!(env, fn is_link_local_multicast: (Ip) -> CelBool)?;
    add_member_overload!(env, fn is_link_local_unicast: (Ip) -> CelBool)?;
    add_member_overload!(env, fn is_global_unicast: (Ip) -> CelBool)?;
    add_overload!(env, fn cidr: (CelString) -> Result<Cidr>)?;
    add_overload!(env, fn is_cidr: (CelString) -> CelBool, name = "isCIDR")?;
    add_overload!(env, fn cidr_text: (Cidr) -> CelString, name = "string")?;
    add_member_overload!(env, fn contains_ip: (Cidr, Ip) -> CelBool, name = "containsIP")?;
    add_member_overload!(env, fn contains_ip_text: (Cidr, CelString) -> Result<CelBool>, name = "containsIP")?;
    add_member_overload!(env, fn contains_cidr: (Cidr, Cidr) -> CelBool, name = "containsCIDR")?;
    add_member_overload!(env, fn contains_cidr_text: (Cidr, CelString) -> Result<CelBool>,
        name = "containsCIDR")?;
    add_member_overload!(env, fn cidr_ip: (Cidr) -> Ip, name = "ip")?;
    add_member_overload!(env, fn masked: (Cidr) -> Cidr)?;
    add_member_overload!(env, fn prefix_length: (Cidr) -> CelInt)
}

/// An address. Kubernetes takes no zones, and no IPv4 address within an IPv6 address.
fn parse_ip(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match address {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => None,
        _ => Some(address),
    }
}

fn ip(text: &CelString<'_>) -> Fallible<Ip> {
    parsed("ip", text, "an IP address", parse_ip(text.inner())).map(Ip)
}

fn is_ip(text: &CelString<'_>) -> CelBool {
    CelBool::from(parse_ip(text.inner()).is_some())
}

fn is_canonical(text: &CelString<'_>) -> Fallible<CelBool> {
    Ok(CelBool::from(ip(text)?.0.to_string() == text.inner()))
}

fn ip_text(ip: &Ip) -> CelString<'static> {
    CelString::from(ip.0.to_string())
}

fn family(ip: &Ip) -> CelInt {
    CelInt::from(if ip.0.is_ipv4() { 4 } else { 6 })
}

fn is_unspecified(ip: &Ip) -> CelBool {
    CelBool::from(ip.0.is_unspecified())
}

fn is_loopback(ip: &Ip) -> CelBool {
    CelBool::from(ip.0.is_loopback())
}

fn has_local_scope(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets().starts_with(&[224, 0, 0]),
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    }
}

fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_link_local_multicast(ip: &Ip) -> CelBool {
    CelBool::from(has_local_scope(ip.0))
}

fn is_link_local_unicast(ip: &Ip) -> CelBool {
    CelBool::from(is_local(ip.0))
}

fn is_global_unicast(ip: &Ip) -> CelBool {
    let ip = ip.0;
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    let is_other = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_local(ip);
    CelBool::from(!is_broadcast && !is_other)
}

fn parse_cidr(text: &str) -> Option<IpNet> {
    let (address, _) = text.split_once('/')?;
    parse_ip(address)?;
    text.parse().ok()
}

fn cidr(text: &CelString<'_>) -> Fallible<Cidr> {
    parsed("cidr", text, "a range of IP addresses", parse_cidr(text.inner())).map(Cidr)
}

fn is_cidr(text: &CelString<'_>) -> CelBool {
    CelBool::from(parse_cidr(text.inner()).is_some())
}

fn cidr_text(cidr: &Cidr) -> CelString<'static> {
    CelString::from(cidr.0.to_string())
}

fn contains_ip(cidr: &Cidr, other: &Ip) -> CelBool {
    CelBool::from(cidr.0.contains(&other.0))
}

fn contains_ip_text(range: &Cidr, text: &CelString<'_>) -> Fallible<CelBool> {
    Ok(contains_ip(range, &ip(text)?))
}

fn contains_cidr(cidr: &Cidr, other: &Cidr) -> CelBool {
    CelBool::from(cidr.0.contains(&other.0.trunc()))
}

fn contains_cidr_text(range: &Cidr, text: &CelString<'_>) -> Fallible<CelBool> {
    Ok(contains_cidr(range, &cidr(text)?))
}

fn cidr_ip(cidr: &Cidr) -> Ip {
    Ip(cidr.0.addr())
}

fn masked(cidr: &Cidr) -> Cidr {
    Cidr(cidr.0.trunc())
}

fn prefix_length(cidr: &Cidr) -> CelInt {
    CelInt::from(i64::from(cidr.0.prefix_len()))
}

// Versions

opaque!(Version(semver::Version), "kubernetes.Semver", SEMVER);

fn versions(env: &mut Env) -> Result<(), DeclarationError> {
    add_overload!(env, fn semver: (CelString) -> Result<Version>)?;
    add_overload!(env, fn is_semver: (CelString) -> CelBool)?;
    add_member_overload!(env, fn major: (Version) -> Result<CelInt>)?;
    add_member_overload!(env, fn minor: (Version) -> Result<CelInt>)?;
    add_member_overload!(env, fn patch: (Version) -> Result<CelInt>)?;
    add_member_overload!(env, fn is_newer: (Version, Version) -> CelBool, name = "isGreaterThan")?;
    add_member_overload!(env, fn is_older: (Version, Version) -> CelBool, name = "isLessThan")?;
    add_member_overload!(env, fn compare_version: (Version, Version) -> CelInt, name = "compareTo")
}

fn semver(text: &CelString<'_>) -> Fallible<Version> {
    semver::Version::parse(text.inner()).map(Version).or_else(|error| fail("semver", error))
}

fn is_semver(text: &CelString<'_>) -> CelBool {
    CelBool::from(semver::Version::parse(text.inner()).is_ok())
}

fn part(number: u64) -> Fallible<CelInt> {
    i64::try_from(number).map(CelInt::from).or_else(|error| fail("semver", error))
}

fn major(version: &Version) -> Fallible<CelInt> {
    part(version.0.major)
}

fn minor(version: &Version) -> Fallible<CelInt> {
    part(version.0.minor)
}

fn patch(version: &Version) -> Fallible<CelInt> {
    part(version.0.patch)
}

fn is_newer(version: &Version, other: &Version) -> CelBool {
    CelBool::from(version.0.cmp_precedence(&other.0) == Ordering::Greater)
}

fn is_older(version: &Version, other: &Version) -> CelBool {
    CelBool::from(version.0.cmp_precedence(&other.0) == Ordering::Less)
}

fn compare_version(version: &Version, other: &Version) -> CelInt {
    order(version.0.cmp_precedence(&other.0))
}
