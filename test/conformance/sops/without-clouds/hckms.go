package hckms

import (
	"time"

	"github.com/getsops/sops/v3/keys"
)

// MasterKey has the fields that files name.
type MasterKey struct {
	keys.Absent
	KeyID        string
	EncryptedKey string
	CreationDate time.Time
}

func NewMasterKey(id string) (*MasterKey, error) { return &MasterKey{KeyID: id}, nil }

func NewMasterKeyFromKeyIDString(id string) ([]*MasterKey, error) {
	if id == "" {
		return nil, nil
	}
	return []*MasterKey{{KeyID: id}}, nil
}
