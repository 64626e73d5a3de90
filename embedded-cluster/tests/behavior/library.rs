//! Kubernetes' functions in CEL, in a ValidatingAdmissionPolicy that demands that each of these expressions is true.

use kube::Client;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::policies::Enforced;
use crate::suite::{Outcome, object};

const TRUE: &[&str] = &[
    // Quantities
    "quantity('1.5Gi').isGreaterThan(quantity('1500Mi')) && quantity('500m').isLessThan(quantity('1'))",
    "quantity('1k').compareTo(quantity('1000')) == 0 && quantity('1k') == quantity('1000')",
    "quantity('2').compareTo(quantity('1')) == 1 && quantity('1').compareTo(quantity('2')) == -1",
    "isQuantity('1Gi') && !isQuantity('1 Gi') && !isQuantity('two')",
    "quantity('50k').isInteger() && !quantity('50m').isInteger() && quantity('50k').asInteger() == 50000",
    "sign(quantity('-5')) == -1 && sign(quantity('0')) == 0 && sign(quantity('5m')) == 1",
    "quantity('500m').add(quantity('500m')) == quantity('1') && quantity('1').add(2) == quantity('3')",
    "quantity('1Gi').sub(quantity('512Mi')) == quantity('512Mi') && quantity('1').sub(2) == quantity('-1')",
    "quantity('500m').asApproximateFloat() == 0.5",
    "type(quantity('1')) == type(quantity('2')) && quantity('1') != quantity('2')",
    // Lists
    "[1, 2, 2, 3].isSorted() && !['b', 'a'].isSorted() && [1].isSorted() && ['a', 'b'].isSorted()",
    "[1, 2, 3].sum() == 6 && [1.5, 2.5].sum() == 4.0 && [duration('1m'), duration('1s')].sum() == duration('61s')",
    "[3, 1, 2].min() == 1 && [3, 1, 2].max() == 3 && ['b', 'a'].min() == 'a'",
    "[1, 2, 2, 3].indexOf(2) == 1 && [1, 2, 2, 3].lastIndexOf(2) == 2 && [1].indexOf(5) == -1",
    "['a', 'b'].indexOf('b') == 1 && 'abcb'.indexOf('b') == 1 && 'abcb'.lastIndexOf('b') == 3",
    "'tacocat'.indexOf('a', 3) == 5 && 'tacocat'.lastIndexOf('a', 3) == 1 && 'äöäö'.lastIndexOf('ö', 2) == 1",
    "'a'.indexOf('') == 0 && 'a'.lastIndexOf('') == 1 && 'aaa'.lastIndexOf('aa') == 1 && 'aaa'.lastIndexOf('aa', 0) == 0",
    "sets.contains([1, 2, 3], [2, 1]) && !sets.contains([1], [1, 2]) && sets.contains([1], [])",
    "sets.equivalent([1, 2], [2, 1, 1]) && !sets.equivalent([1], [1, 2])",
    "sets.intersects([1, 2], [2, 3]) && !sets.intersects([1], [2])",
    // Regular expressions
    "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
    "'1, 20, 300'.findAll('[0-9]+') == ['1', '20', '300'] && 'a'.findAll('[0-9]') == []",
    "'1, 20, 300'.findAll('[0-9]+', 2) == ['1', '20'] && '1, 2'.findAll('[0-9]', -1) == ['1', '2']",
    // URLs
    "url('https://user@example.com:8443/a%20b/c?x=1&y=2&x=3').getScheme() == 'https'",
    "url('https://user@example.com:8443/a?x=1').getHost() == 'example.com:8443'",
    "url('https://example.com:8443/a').getHostname() == 'example.com'",
    "url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getHost() == '[::1]:80'",
    "url('https://example.com:8443/').getPort() == '8443' && url('https://example.com/').getPort() == ''",
    "url('https://example.com/a%20b/c').getEscapedPath() == '/a%20b/c'",
    "url('https://example.com').getEscapedPath() == '' && url('/path').getHost() == ''",
    "url('https://example.com/?x=1&y=a+b&x=3').getQuery() == {'x': ['1', '3'], 'y': ['a b']}",
    "isURL('https://example.com:80/') && isURL('/absolute') && !isURL('relative') && !isURL('a b')",
    "!isURL('https://evil.example#.trusted.example/') && !isURL('https://evil.example#@x.trusted.example/')",
    // Addresses
    "ip('192.168.0.1').family() == 4 && ip('::1').family() == 6 && string(ip('::1')) == '::1'",
    "isIP('10.0.0.1') && isIP('fe80::1') && !isIP('10.0.0') && !isIP('::ffff:1.2.3.4')",
    "ip.isCanonical('127.0.0.1') && !ip.isCanonical('2001:DB8::ABCD') && ip.isCanonical('2001:db8::abcd')",
    "ip('127.0.0.1').isLoopback() && ip('0.0.0.0').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast()",
    "ip('224.0.0.1').isLinkLocalMulticast() && ip('192.168.0.1').isGlobalUnicast()",
    "!ip('255.255.255.255').isGlobalUnicast() && ip('ff02::1').isLinkLocalMulticast()",
    "ip('127.0.0.1') == ip('127.0.0.1') && ip('127.0.0.1') != ip('::1')",
    "cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) && cidr('192.168.0.0/24').containsIP('192.168.0.1')",
    "!cidr('192.168.0.0/24').containsIP('192.168.1.1') && !cidr('192.168.0.0/24').containsIP('::1')",
    "cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.0/25')) && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
    "!cidr('192.168.0.0/24').containsCIDR('192.168.0.0/23')",
    "isCIDR('192.168.0.0/24') && isCIDR('::1/128') && !isCIDR('192.168.0.0/33') && !isCIDR('192.168.0.0')",
    "cidr('192.168.0.1/24').ip() == ip('192.168.0.1') && cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')",
    "cidr('192.168.0.0/24').prefixLength() == 24 && string(cidr('10.0.0.0/8')) == '10.0.0.0/8'",
    // Versions
    "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0').isGreaterThan(semver('1.0.0-rc.1'))",
    "semver('1.2.3').compareTo(semver('1.2.3')) == 0 && isSemver('1.2.3') && !isSemver('1.2')",
    "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
    // As policies use them
    "object.data.memory.find('[0-9]+') == '512' && quantity(object.data.memory).isLessThan(quantity('1Gi'))",
    "object.data.images.split(',').all(image, image.startsWith('registry.example/'))",
];

/// Every expression of the list is true.
pub(crate) async fn functions_of_kubernetes(client: &Client) -> Outcome {
    // A policy has at most a hundred validations. The last one is false, to notice when the policy is in force.
    let mut validations: Vec<Value> =
        TRUE.iter().map(|text| json!({"expression": text, "message": text})).collect();
    validations.push(json!({"expression": "object.data.mode != 'off'", "message": "the mode is off"}));
    let enforced = Enforced::new(client, "library-", &["CREATE"], json!([]), validations.into()).await?;
    let map = |name: &str, mode: &str| {
        object(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
            "data": {"mode": mode, "memory": "512Mi", "images": "registry.example/a,registry.example/b"},
        }))
    };
    // The first expression that is not true is named.
    let refused = enforced.refusal(&map("off", "off")?).await?.to_string();
    if !refused.contains("denied request: the mode is off") {
        return Err(refused.into());
    }
    enforced.maps.create(&PostParams::default(), &map("on", "on")?).await?;
    enforced.end().await
}
