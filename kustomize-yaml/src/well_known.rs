//! Texts of Kubernetes files that are too long to stand in a scalar, and so common that they are
//! not copied out of each file.

macro_rules! well_known {
    ($($text:literal)*) => {
        /// The text, if it is a well known one.
        pub(super) fn well_known(text: &str) -> Option<&'static str> {
            match text {
                $($text => Some($text),)*
                _ => None,
            }
        }

        #[cfg(test)]
        const ALL: &[&str] = &[$($text),*];
    };
}

well_known! {
    "CustomResourceDefinition"
    "HorizontalPodAutoscaler"
    "additionalPrinterColumns"
    "allowPrivilegeEscalation"
    "apiextensions.k8s.io/v1"
    "app.kubernetes.io/component"
    "app.kubernetes.io/instance"
    "app.kubernetes.io/managed-by"
    "app.kubernetes.io/name"
    "app.kubernetes.io/part-of"
    "app.kubernetes.io/version"
    "automountServiceAccountToken"
    "failedJobsHistoryLimit"
    "kubernetes.io/hostname"
    "kubernetes.io/metadata.name"
    "preferredDuringSchedulingIgnoredDuringExecution"
    "progressDeadlineSeconds"
    "rbac.authorization.k8s.io"
    "rbac.authorization.k8s.io/v1"
    "readOnlyRootFilesystem"
    "requiredDuringSchedulingIgnoredDuringExecution"
    "successfulJobsHistoryLimit"
    "terminationGracePeriodSeconds"
    "terminationMessagePath"
    "terminationMessagePolicy"
    "topologySpreadConstraints"
    "ttlSecondsAfterFinished"
    "x-kubernetes-int-or-string"
    "x-kubernetes-list-map-keys"
    "x-kubernetes-list-type"
    "x-kubernetes-preserve-unknown-fields"
    "x-kubernetes-validations"
}

#[cfg(test)]
mod tests {
    use super::{ALL, well_known};
    use crate::Scalar;

    #[test]
    fn they_are_not_copied() {
        for text in ALL {
            let known = well_known(text).expect(text);
            let read = text.to_string();
            let scalar = Scalar::untyped(&read);
            assert_eq!(scalar.text(), *text);
            // Shorter ones would stand in the scalar, and need not be known.
            assert_eq!(scalar.text().as_ptr(), known.as_ptr(), "{text}");
        }
        assert_eq!(well_known("app.kubernetes.io/nam"), None);
    }
}
