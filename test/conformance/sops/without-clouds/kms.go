package kms

import (
	"time"

	"github.com/getsops/sops/v3/keys"
)

// MasterKey has the fields that files name.
type MasterKey struct {
	keys.Absent
	Arn               string
	Role              string
	AwsProfile        string
	EncryptedKey      string
	CreationDate      time.Time
	EncryptionContext map[string]*string
}

func NewMasterKeyWithProfile(arn, role string, context map[string]*string, profile string) *MasterKey {
	return &MasterKey{Arn: arn, Role: role, EncryptionContext: context, AwsProfile: profile}
}

func NewMasterKeyFromArn(arn string, context map[string]*string, profile string) *MasterKey {
	return NewMasterKeyWithProfile(arn, "", context, profile)
}

func MasterKeysFromArnString(arn string, context map[string]*string, profile string) []*MasterKey {
	if arn == "" {
		return nil
	}
	return []*MasterKey{NewMasterKeyFromArn(arn, context, profile)}
}

func ParseKMSContext(interface{}) map[string]*string { return nil }
