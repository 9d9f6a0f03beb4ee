// These files take the place of SOPS' sources for key services of clouds when its program is built for tests: their libraries are a gigabyte, and no test
// asks a cloud for a key. All else of the program is its own.
package keys

import "errors"

// Absent is a key that cannot be had.
type Absent struct{}

var errAbsent = errors.New("this build of sops has no key services of clouds")

func (Absent) Encrypt([]byte) error          { return errAbsent }
func (Absent) EncryptIfNeeded([]byte) error  { return errAbsent }
func (Absent) EncryptedDataKey() []byte      { return nil }
func (Absent) SetEncryptedDataKey([]byte)    {}
func (Absent) Decrypt() ([]byte, error)      { return nil, errAbsent }
func (Absent) NeedsRotation() bool           { return false }
func (Absent) ToString() string              { return "absent" }
func (Absent) ToMap() map[string]interface{} { return map[string]interface{}{} }
func (Absent) TypeToIdentifier() string      { return "absent" }
