package azkv

import (
	"time"

	"github.com/getsops/sops/v3/keys"
)

// MasterKey has the fields that files name.
type MasterKey struct {
	keys.Absent
	VaultURL     string
	Name         string
	Version      string
	EncryptedKey string
	CreationDate time.Time
}

func NewMasterKeyWithOptionalVersion(url, name, version string) (*MasterKey, error) {
	return &MasterKey{VaultURL: url, Name: name, Version: version}, nil
}

func NewMasterKeyFromURL(url string) (*MasterKey, error) { return &MasterKey{VaultURL: url}, nil }

func MasterKeysFromURLs(urls string) ([]*MasterKey, error) {
	if urls == "" {
		return nil, nil
	}
	return []*MasterKey{{VaultURL: urls}}, nil
}
