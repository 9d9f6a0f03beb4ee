package hcvault

import (
	"time"

	"github.com/getsops/sops/v3/keys"
)

// MasterKey has the fields that files name.
type MasterKey struct {
	keys.Absent
	VaultAddress string
	EnginePath   string
	KeyName      string
	EncryptedKey string
	CreationDate time.Time
}

func NewMasterKeyFromURI(uri string) (*MasterKey, error) { return &MasterKey{VaultAddress: uri}, nil }

func NewMasterKeysFromURIs(uris string) ([]*MasterKey, error) {
	if uris == "" {
		return nil, nil
	}
	return []*MasterKey{{VaultAddress: uris}}, nil
}
