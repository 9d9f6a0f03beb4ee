package gcpkms

import (
	"time"

	"github.com/getsops/sops/v3/keys"
)

// MasterKey has the fields that files name.
type MasterKey struct {
	keys.Absent
	ResourceID   string
	EncryptedKey string
	CreationDate time.Time
}

func NewMasterKeyFromResourceID(id string) *MasterKey { return &MasterKey{ResourceID: id} }

func MasterKeysFromResourceIDString(id string) []*MasterKey {
	if id == "" {
		return nil
	}
	return []*MasterKey{NewMasterKeyFromResourceID(id)}
}
