package publish

// Absent is a place that nothing can be published to.
type Absent struct{}

func (Absent) Upload([]byte, string) error { return &NotImplementedError{"no clouds in this build"} }
func (Absent) UploadUnencrypted(map[string]interface{}, string) error {
	return &NotImplementedError{"no clouds in this build"}
}
func (Absent) Path(name string) string { return name }

type (
	S3Destination    struct{ Absent }
	GCSDestination   struct{ Absent }
	VaultDestination struct{ Absent }
)

func NewS3Destination(string, string) *S3Destination   { return &S3Destination{} }
func NewGCSDestination(string, string) *GCSDestination { return &GCSDestination{} }
func NewVaultDestination(string, string, string, int) *VaultDestination {
	return &VaultDestination{}
}
