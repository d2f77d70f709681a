//! Keys in a device: an HSM, a token or a cloud's key service, through its PKCS#11 module. The secret half never leaves
//! it. A key is known by its label; a rotation uses `LABEL.next`, and the old key stays as `LABEL.retired-ID`.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use octro_verify::hex;

use crate::keys::random;
use crate::{Keys, LedgerError, Signer};

/// `edwards25519`, as a PrintableString: how PKCS#11 names the curve, and as modules of version 2 take it.
const ED25519: [u8; 14] =
    [0x13, 0x0c, b'e', b'd', b'w', b'a', b'r', b'd', b's', b'2', b'5', b'5', b'1', b'9'];
/// The longest PIN that is read.
const PIN_MAX: u64 = 256;

/// Where keys are in a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The device's PKCS#11 module.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label.
    pub label: String,
    /// The file with the PIN, which nobody else may read.
    pub pin_file: PathBuf,
}

/// Keys in a device.
pub struct DeviceKeys(Arc<Shared>);

struct Shared {
    device: Device,
    /// The module and its one session; made anew when the device was away.
    session: Mutex<Option<(Pkcs11, Session)>>,
}

/// A key in a device.
struct DeviceSigner {
    shared: Arc<Shared>,
    public: [u8; 32],
    /// The label when it was found; [`Keys::promote`] changes it.
    label: Mutex<String>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Device {
    fn wrong(&self, what: String) -> LedgerError {
        LedgerError::Key { path: self.module.clone(), what }
    }

    fn failed(&self, doing: &str) -> impl FnOnce(Error) -> LedgerError {
        let doing = format!("{doing} of the token `{}`", self.token);
        let wrong = |what| LedgerError::Key { path: self.module.clone(), what };
        move |error| wrong(format!("{doing} failed: {error}"))
    }

    fn pin(&self) -> Result<AuthPin, LedgerError> {
        let wrong = |what: String| LedgerError::Key { path: self.pin_file.clone(), what };
        let file = std::fs::File::open(&self.pin_file).map_err(|error| wrong(error.to_string()))?;
        let mode = file.metadata().map_err(|error| wrong(error.to_string()))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let what = format!("has the mode {mode:04o}, so that others may read the PIN; expected 0600");
            return Err(wrong(what));
        }
        let mut text = String::new();
        file.take(PIN_MAX).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
        let pin = text.trim_end_matches(['\n', '\r']);
        if pin.is_empty() {
            return Err(wrong("is empty; expected the PIN of the token's user".to_owned()));
        }
        Ok(AuthPin::new(pin.into()))
    }

    fn connect(&self) -> Result<(Pkcs11, Session), LedgerError> {
        let module = Pkcs11::new(&self.module)
            .map_err(|error| self.wrong(format!("is no PKCS#11 module that can be loaded: {error}")))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(self.failed("initializing the module")(error)),
        }
        let slots = module.get_slots_with_initialized_token().map_err(self.failed("looking for slots"))?;
        let mut names = Vec::new();
        for slot in slots {
            let info = module.get_token_info(slot).map_err(self.failed("asking for the name"))?;
            let name = info.label().trim_end().to_owned();
            if name != self.token {
                names.push(name);
                continue;
            }
            let session = module.open_rw_session(slot).map_err(self.failed("opening a session"))?;
            match session.login(UserType::User, Some(&self.pin()?)) {
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                Err(error) => return Err(self.failed("signing in with the PIN")(error)),
            }
            return Ok((module, session));
        }
        Err(self.wrong(format!("has no token `{}`; it has {}", self.token, names.join(", "))))
    }

    /// The objects of a class with this label.
    fn objects(
        &self,
        session: &Session,
        class: ObjectClass,
        label: &str,
    ) -> Result<Vec<ObjectHandle>, LedgerError> {
        let wanted = [
            Attribute::Class(class),
            Attribute::KeyType(KeyType::EC_EDWARDS),
            Attribute::Label(label.as_bytes().to_vec()),
        ];
        session.find_objects(&wanted).map_err(self.failed("looking for a key"))
    }

    /// The one object of a class with this label; `None` if there is none.
    fn object(
        &self,
        session: &Session,
        class: ObjectClass,
        label: &str,
    ) -> Result<Option<ObjectHandle>, LedgerError> {
        match self.objects(session, class, label)?.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            more => Err(self.wrong(format!(
                "has {} keys with the label `{label}` in the token `{}`; expected one",
                more.len(),
                self.token
            ))),
        }
    }

    /// The public half of the key with this label.
    fn public(&self, session: &Session, label: &str) -> Result<Option<[u8; 32]>, LedgerError> {
        let Some(object) = self.object(session, ObjectClass::PUBLIC_KEY, label)? else { return Ok(None) };
        let attributes = session
            .get_attributes(object, &[AttributeType::EcPoint])
            .map_err(self.failed("reading a key"))?;
        let point = attributes.into_iter().find_map(|attribute| {
            let Attribute::EcPoint(point) = attribute else { return None };
            Some(point)
        });
        let point = point.unwrap_or_default();
        // In a DER octet string, as the standard has it, or bare, as some modules do.
        let bare = point.strip_prefix(&[0x04, 0x20]).filter(|rest| rest.len() == 32).unwrap_or(&point);
        let bare = bare.try_into();
        bare.map(Some)
            .map_err(|_| self.wrong(format!("`{label}` is no Ed25519 key: its point is {}", hex(&point))))
    }

    fn make(&self, session: &Session, label: &str) -> Result<(), LedgerError> {
        let mut id = [0; 8];
        random(&mut id).map_err(|error| self.wrong(error.to_string()))?;
        let of_both =
            [Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec()), Attribute::Id(id.to_vec())];
        let public =
            [&of_both[..], &[Attribute::EcParams(ED25519.to_vec()), Attribute::Verify(true)]].concat();
        let secret = [
            &of_both[..],
            &[
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
            ],
        ]
        .concat();
        session
            .generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &secret)
            .map(|_| ())
            .map_err(self.failed("making an Ed25519 key"))
    }

    fn rename(&self, session: &Session, from: &str, to: &str) -> Result<(), LedgerError> {
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            if let Some(object) = self.object(session, class, from)? {
                session
                    .update_attributes(object, &[Attribute::Label(to.as_bytes().to_vec())])
                    .map_err(self.failed("changing a key's label"))?;
            }
        }
        Ok(())
    }

    fn next_label(&self) -> String {
        format!("{}.next", self.label)
    }
}

impl Shared {
    /// Does something in a session; once more in a new one, if the device was away meanwhile.
    fn within<T>(&self, work: impl Fn(&Session) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let mut held = locked(&self.session);
        if let Some((_, session)) = &*held {
            match work(session) {
                Ok(done) => return Ok(done),
                Err(error) if session.get_session_info().is_ok() => return Err(error),
                Err(error) => tracing::warn!("the device with the ledger's key is asked anew: {error}"),
            }
        }
        *held = None;
        let (module, session) = self.device.connect()?;
        let done = work(&session);
        *held = Some((module, session));
        done
    }
}

impl DeviceKeys {
    /// Keys of a device. It is asked only when a key is needed.
    pub fn at(device: Device) -> Self {
        Self(Arc::new(Shared { device, session: Mutex::new(None) }))
    }

    fn signer(&self, public: [u8; 32], label: &str) -> Arc<dyn Signer> {
        Arc::new(DeviceSigner { shared: self.0.clone(), public, label: Mutex::new(label.to_owned()) })
    }

    fn find_or_make(&self, label: &str) -> Result<Arc<dyn Signer>, LedgerError> {
        let device = &self.0.device;
        let public = self.0.within(|session| {
            if let Some(public) = device.public(session, label)? {
                return Ok(public);
            }
            device.make(session, label)?;
            let made = device.public(session, label)?;
            made.ok_or_else(|| device.wrong(format!("does not show the key `{label}` that it has made")))
        })?;
        Ok(self.signer(public, label))
    }
}

impl Keys for DeviceKeys {
    fn current(&self) -> Result<Arc<dyn Signer>, LedgerError> {
        self.find_or_make(&self.0.device.label)
    }

    fn find(&self, public: &[u8; 32]) -> Result<Option<Arc<dyn Signer>>, LedgerError> {
        let device = &self.0.device;
        for label in [device.label.clone(), device.next_label()] {
            if self.0.within(|session| device.public(session, &label))?.as_ref() == Some(public) {
                return Ok(Some(self.signer(*public, &label)));
            }
        }
        Ok(None)
    }

    fn next(&self) -> Result<Arc<dyn Signer>, LedgerError> {
        self.find_or_make(&self.0.device.next_label())
    }

    fn promote(&self, public: &[u8; 32]) -> Result<(), LedgerError> {
        let device = &self.0.device;
        self.0.within(|session| {
            let next = device.next_label();
            if device.public(session, &next)?.as_ref() != Some(public) {
                return Ok(());
            }
            if let Some(old) = device.public(session, &device.label)? {
                let id = old.first_chunk::<4>().map(|id| hex(id)).unwrap_or_default();
                device.rename(session, &device.label, &format!("{}.retired-{id}", device.label))?;
            }
            device.rename(session, &next, &device.label)
        })
    }
}

impl Signer for DeviceSigner {
    fn public(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], LedgerError> {
        let device = &self.shared.device;
        let mut label = locked(&self.label);
        let signature = self.shared.within(|session| {
            let of = |label: &str| -> Result<Option<ObjectHandle>, LedgerError> {
                if device.public(session, label)? != Some(self.public) {
                    return Ok(None);
                }
                device.object(session, ObjectClass::PRIVATE_KEY, label)
            };
            let mut found = None;
            for label in [label.as_str(), &device.label, &device.next_label()] {
                if let Some(object) = of(label)? {
                    found = Some((object, label.to_owned()));
                    break;
                }
            }
            let (object, label) =
                found.ok_or_else(|| device.wrong(format!("no longer has the key {}", hex(&self.public))))?;
            let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
            let signature =
                session.sign(&mechanism, object, message).map_err(device.failed("signing with a key"))?;
            Ok((signature, label))
        });
        let (signature, now) = signature?;
        *label = now;
        let length = signature.len();
        signature
            .try_into()
            .map_err(|_| device.wrong(format!("signed with {length} bytes; expected the 64 of Ed25519")))
    }
}
