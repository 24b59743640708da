//! An RSA key as PKCS#1, the one form that the MySQL library takes.
//!
//! It is apart because it reads DER: PKCS#8 wraps the key in three elements (RFC 5208, section 5). No
//! other kind of key has a PKCS#1 form.

use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
/// The object identifier rsaEncryption, 1.2.840.113549.1.1.1.
const RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The key's PKCS#1 form, if it has one.
pub(super) fn pkcs1(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    match key {
        PrivateKeyDer::Pkcs1(key) => Some(key.secret_pkcs1_der().to_vec()),
        PrivateKeyDer::Pkcs8(key) => unwrapped(key.secret_pkcs8_der()).map(<[u8]>::to_vec),
        _ => None,
    }
}

fn unwrapped(der: &[u8]) -> Option<&[u8]> {
    let (SEQUENCE, whole, _) = element(der)? else { return None };
    let (_, _, rest) = element(whole)?;
    let (SEQUENCE, algorithm, rest) = element(rest)? else { return None };
    let (OCTETS, key, _) = element(rest)? else { return None };
    algorithm.starts_with(&RSA).then_some(key)
}

/// Tag, content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_rsa_key_is_unwrapped_and_others_are_none() {
        let mut algorithm = RSA.to_vec();
        algorithm.extend([0x05, 0x00]);
        let wrap = |algorithm: &[u8]| {
            let mut inner = vec![0x02, 0x01, 0x00, SEQUENCE, algorithm.len() as u8];
            inner.extend(algorithm);
            inner.extend([OCTETS, 3, 1, 2, 3]);
            let mut der = vec![SEQUENCE, 0x81, inner.len() as u8];
            der.extend(inner);
            der
        };
        assert_eq!(unwrapped(&wrap(&algorithm)), Some(&[1, 2, 3][..]));
        algorithm[10] = 2;
        assert_eq!(unwrapped(&wrap(&algorithm)), None);
        for cut in 0..20 {
            assert_eq!(unwrapped(&wrap(&RSA)[..cut]), None, "{cut}");
        }
    }
}
