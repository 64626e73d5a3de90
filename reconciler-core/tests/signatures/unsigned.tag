object 6b4f899c72da9b78446e27d4c792fbeda983dd55
type commit
tag unsigned
tagger Test <test@example.org> 1795992223 +0000

Release: unsigned
