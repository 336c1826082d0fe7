"""Every check there is: its id, what it asks in both languages, the command that shows the same, how long it counts."""

from datetime import timedelta

from hosting_cli.checks import (
    backups,
    buckets,
    declared,
    endpoints,
    firewalls,
    hosts,
    keys,
    records,
    vaults,
    volumes,
)
from hosting_cli.checks.check import Check, observe
from hosting_cli.checks.facts import Facts
from hosting_cli.checks.observation import Collected, Observation, RawReading, Sentence

DAY, WEEK, MONTH = (timedelta(days=days) for days in (1, 7, 31))

NO_BACKUP = Sentence("aucune application ne demande de sauvegarde", "no application asks for backups")
NO_VOLUME = Sentence("aucune application n'a de volume", "no application has a volume")
NO_BUCKET = Sentence("aucun compartiment n'est demandé", "no bucket is asked for")
NO_HOST = Sentence("la région n'a pas de machine", "the region has no host")
NO_HEALTH_DATA = Sentence("aucune application n'a de données de santé", "no application has health data")

CHECKS: tuple[Check, ...] = (
    # -- what is kept is encrypted ---------------------------------------------------------------------------------
    Check(
        "volume.encrypted",
        Sentence("Volumes chiffrés au repos", "Volumes encrypted at rest"),
        "cryptsetup luksDump /dev/VOLUME_GROUP/VOLUME",
        WEEK,
        volumes.encrypted,
        NO_VOLUME,
    ),
    Check(
        "volume.key-derivation",
        Sentence("Dérivation de clé des volumes", "Key derivation of volumes"),
        "cryptsetup luksDump /dev/VOLUME_GROUP/VOLUME",
        MONTH,
        volumes.derived,
        NO_VOLUME,
    ),
    Check(
        "volume.slots",
        Sentence("Emplacements de clé des volumes", "Key slots of volumes"),
        "cryptsetup luksDump /dev/VOLUME_GROUP/VOLUME",
        WEEK,
        volumes.slots,
        NO_VOLUME,
    ),
    Check(
        "volume.header-copies",
        Sentence("Copies des en-têtes LUKS", "Copies of LUKS headers"),
        "hosting volume list",
        WEEK,
        volumes.header_copies,
        NO_VOLUME,
    ),
    Check(
        "bucket.encrypted",
        Sentence("Objets chiffrés au repos", "Objects encrypted at rest"),
        "aws s3api get-bucket-encryption --bucket BUCKET",
        WEEK,
        buckets.encrypted,
        NO_BUCKET,
    ),
    Check(
        "bucket.versioned",
        Sentence("Versions antérieures des objets", "Earlier versions of objects"),
        "aws s3api get-bucket-versioning --bucket BUCKET",
        WEEK,
        buckets.versioned,
        NO_BUCKET,
    ),
    Check(
        "bucket.private",
        Sentence("Compartiments fermés aux autres", "Buckets closed to others"),
        "aws s3api get-bucket-policy --bucket BUCKET; aws s3api get-bucket-acl --bucket BUCKET",
        DAY,
        buckets.private,
        NO_BUCKET,
    ),
    Check(
        "bucket.stranger-refused",
        Sentence("Un inconnu n'obtient aucun objet", "A stranger gets no object"),
        "hosting verify",
        MONTH,
        records.strangers_refused,
        Sentence("la région n'a pas d'application", "the region has no application"),
    ),
    # -- keys ------------------------------------------------------------------------------------------------------
    Check(
        "key.age",
        Sentence("Âge et rotation des clés", "Age and rotation of keys"),
        "hosting key list",
        WEEK,
        keys.age,
    ),
    Check(
        "key.kept-in-vault",
        Sentence("Clés non exportables", "Keys that cannot be exported"),
        "bao read transit/keys/KEY",
        WEEK,
        keys.kept_in,
    ),
    # -- backups ---------------------------------------------------------------------------------------------------
    Check(
        "backup.fresh",
        Sentence("Fraîcheur des sauvegardes", "Freshness of backups"),
        "hosting backup list",
        DAY,
        backups.fresh,
        NO_BACKUP,
    ),
    Check(
        "backup.restored",
        Sentence("Dernière restauration réussie", "Last good restore"),
        "hosting drill list",
        DAY,
        backups.restored,
        NO_BACKUP,
    ),
    Check(
        "backup.checked",
        Sentence("Intégrité des sauvegardes vérifiée", "Integrity of backups checked"),
        "hosting backup list",
        DAY,
        backups.checked,
        NO_BACKUP,
    ),
    Check(
        "backup.second-copy",
        Sentence("Seconde copie sur un autre site", "Second copy at another site"),
        "hosting backup list",
        DAY,
        backups.second_copy,
        Sentence("aucune application ne demande de seconde copie", "no application asks for a second copy"),
    ),
    Check(
        "backup.locked",
        Sentence("Verrou des sauvegardes", "Lock of backups"),
        "aws s3api get-object-lock-configuration --bucket BUCKET",
        WEEK,
        buckets.backups_locked,
        NO_BACKUP,
    ),
    # -- the network -----------------------------------------------------------------------------------------------
    Check(
        "firewall.default-drop",
        Sentence("Pare-feu : rejet par défaut", "Firewall: drop by default"),
        "nft --json list ruleset",
        DAY,
        firewalls.default_drop,
        NO_HOST,
    ),
    Check(
        "firewall.as-declared",
        Sentence("Flux conformes à la matrice", "Flows as in the matrix"),
        "hosting network prove",
        DAY,
        firewalls.as_declared,
        NO_HOST,
    ),
    Check(
        "firewall.at-boot",
        Sentence("Pare-feu dès le démarrage", "Firewall from boot on"),
        "systemctl is-enabled nftables.service",
        WEEK,
        firewalls.at_boot,
        NO_HOST,
    ),
    Check(
        "neighbour.refused",
        Sentence("Une application voisine est refusée", "A neighbouring application is refused"),
        "hosting verify",
        MONTH,
        records.neighbours_refused,
        Sentence("la région n'a pas d'application", "the region has no application"),
    ),
    # -- TLS -------------------------------------------------------------------------------------------------------
    Check(
        "tls.versions",
        Sentence("Versions de TLS", "Versions of TLS"),
        "openssl s_client -connect ENDPOINT -tls1_1",
        WEEK,
        endpoints.versions,
    ),
    Check(
        "tls.suites",
        Sentence("Suites cryptographiques de TLS", "Cipher suites of TLS"),
        "openssl s_client -connect ENDPOINT -tls1_2 -cipher SUITES",
        WEEK,
        endpoints.suites,
    ),
    Check(
        "tls.certificate",
        Sentence("Clés et signatures des certificats", "Keys and signatures of certificates"),
        "openssl s_client -connect ENDPOINT | openssl x509 -text",
        WEEK,
        endpoints.certificates,
    ),
    Check(
        "tls.certificate-end",
        Sentence("Fin des certificats", "End of certificates"),
        "openssl s_client -connect ENDPOINT | openssl x509 -enddate",
        DAY,
        endpoints.ends,
    ),
    # -- hosts -----------------------------------------------------------------------------------------------------
    Check(
        "ssh.certificates-only",
        Sentence("SSH par certificat uniquement", "SSH by certificate alone"),
        "sshd -T",
        WEEK,
        hosts.certificates_only,
        NO_HOST,
    ),
    Check(
        "ssh.hardened",
        Sentence("Paramètres de sshd", "Parameters of sshd"),
        "sshd -T",
        WEEK,
        hosts.sshd_hardened,
        NO_HOST,
    ),
    Check(
        "ssh.logins",
        Sentence("Qui peut se connecter", "Who may log in"),
        "cat /etc/ssh/hosting/user-authority.pub /etc/ssh/hosting/principals/root /root/.ssh/authorized_keys",
        DAY,
        hosts.logins,
        NO_HOST,
    ),
    Check(
        "host.clock",
        Sentence("Horloges synchronisées", "Clocks in time"),
        "chronyc -c tracking",
        DAY,
        hosts.clock,
        NO_HOST,
    ),
    Check(
        "host.patched",
        Sentence("Mises à jour de sécurité", "Security updates"),
        "apt-get --simulate dist-upgrade",
        DAY,
        hosts.patched,
        NO_HOST,
    ),
    # -- the vault -------------------------------------------------------------------------------------------------
    Check(
        "vault.audited",
        Sentence("Le coffre journalise chaque requête", "The vault audits every request"),
        "bao audit list",
        DAY,
        vaults.audited,
    ),
    Check(
        "vault.no-root-token",
        Sentence("Aucun jeton racine", "No root token"),
        "bao list auth/token/accessors",
        DAY,
        vaults.without_root,
    ),
    Check(
        "vault.privileged-identities",
        Sentence("Identités privilégiées", "Privileged identities"),
        "bao list auth/token/accessors",
        DAY,
        vaults.privileged,
        Sentence("personne ne détient de droits en ce moment", "nobody holds rights at this moment"),
    ),
    Check(
        "vault.identities-bound",
        Sentence("Identités des machines liées", "Identities of hosts bound"),
        "bao read auth/approle/role/ROLE",
        WEEK,
        vaults.bound,
    ),
    # -- records ---------------------------------------------------------------------------------------------------
    Check(
        "configuration.drift",
        Sentence("Dérive de la configuration", "Drift of the configuration"),
        "hosting drift",
        DAY,
        records.drift,
    ),
    Check(
        "journal.chain",
        Sentence("Intégrité du journal", "Integrity of the journal"),
        "hosting journal verify",
        DAY,
        records.chain,
    ),
    Check(
        "evidence.locked",
        Sentence("Verrou des preuves", "Lock of the evidence"),
        "aws s3api get-object-lock-configuration --bucket BUCKET",
        WEEK,
        buckets.evidence_locked,
        Sentence("la région ne conserve pas de preuves", "the region keeps no evidence"),
    ),
    Check(
        "logs.retention",
        Sentence("Durée de conservation des journaux", "Retention of logs"),
        "aws s3api get-bucket-lifecycle-configuration --bucket BUCKET",
        WEEK,
        buckets.logs_kept,
        Sentence("la région ne conserve pas de journaux", "the region keeps no logs"),
    ),
    # -- what is declared ------------------------------------------------------------------------------------------
    Check(
        "location.declared",
        Sentence("Stockage déclaré dans l'EEE", "Storage declared in the EEA"),
        "hosting validate",
        MONTH,
        declared.location_declared,
    ),
    Check(
        "location.observed",
        Sentence("Localisation observée des compartiments", "Location of buckets as observed"),
        "aws s3api get-bucket-location --bucket BUCKET",
        WEEK,
        declared.location_observed,
        Sentence(
            "les magasins d'objets sont ceux de l'opérateur, sur ses propres sites déclarés",
            "object stores are the operator's own, at its own declared sites",
        ),
    ),
    Check(
        "contacts.client",
        Sentence("Points de contact des clients", "Contact points of clients"),
        "hosting validate",
        MONTH,
        declared.client_contacts,
        Sentence("rien n'est hébergé pour un membre", "nothing is hosted for a member"),
    ),
    Check(
        "contacts.incident",
        Sentence("Référent incidents de chaque application", "Incident contact of each application"),
        "hosting validate",
        MONTH,
        declared.incident_contacts,
        NO_HEALTH_DATA,
    ),
    Check(
        "certificate.in-force",
        Sentence("Certificat HDS en vigueur", "HDS certificate in force"),
        "hosting validate",
        MONTH,
        declared.certificate,
    ),
    Check(
        "certificate.activities",
        Sentence("Activités couvertes par le certificat", "Activities covered by the certificate"),
        "hosting validate",
        MONTH,
        declared.activities,
        NO_HEALTH_DATA,
    ),
)


def run(facts: Facts, chosen: frozenset[str] | None = None) -> Collected:
    """Put every check, or those *chosen*, to *facts*."""
    observations: list[Observation] = []
    readings: dict[str, RawReading] = {}
    for check in CHECKS:
        if chosen is None or check.id in chosen:
            for observation, reading in observe(check, facts):
                observations.append(observation)
                readings[observation.reading] = reading
    return Collected(tuple(observations), readings)
